"""What listening to a song finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Listening:
    """What was heard in one file. Every number is finite."""

    tempo_bpm: float
    #: 0…1: how much the beat stands out.
    tempo_confidence: float
    #: Integrated loudness after EBU R 128; `SILENCE_LUFS` for silence.
    loudness_lufs: float
    #: Such as ``A minor``; None where no key stands out.
    key: str | None
    #: -1…1: the correlation with the key's profile.
    key_confidence: float
    #: The length of the part that was heard: of a very long file the beginning.
    duration_seconds: float
    #: `TIMBRE_SIZE` float32 numbers.
    timbre: npt.NDArray[np.float32]
    #: What of a damaged file could not be heard, in a sentence.
    damage: str | None = None


#: EBU R 128 measures nothing below it.
SILENCE_LUFS = -70.0
