"""The waveform of a song: how loud its loudest moments are, from the beginning to the end. Pure."""

from __future__ import annotations

import numpy as np

from ..decoding import Samples

#: So many values make a waveform, each of 0 to 255.
POINTS = 200
#: The loudest sample of each such part of a second is kept until the end.
_PARTS_PER_SECOND = 10


class Waveform:
    """Takes a song's blocks one after the other."""

    def __init__(self) -> None:
        self._peaks: list[float] = []
        self._rest: Samples = np.zeros(0, np.float32)

    def take(self, rate_hz: int, block: Samples) -> None:
        """Take in the next block, of the shape (frames, channels)."""
        loud = np.nan_to_num(np.abs(block).max(axis=1), nan=0.0, posinf=1.0)
        sound = np.concatenate((self._rest, np.minimum(loud, 1.0)))
        size = max(1, rate_hz // _PARTS_PER_SECOND)
        whole = len(sound) // size * size
        self._peaks += sound[:whole].reshape(-1, size).max(axis=1).tolist()
        self._rest = sound[whole:]

    def peaks(self) -> bytes:
        """The waveform, the loudest moment of the song as 255; empty where there is no sound."""
        peaks = self._peaks + ([float(self._rest.max())] if len(self._rest) else [])
        highest = max(peaks, default=0.0)
        if not highest:
            return bytes(POINTS) if peaks else b""
        found = np.asarray(peaks) / highest
        # A short song has fewer parts than there are peaks: some stand for several.
        edges = np.linspace(0, len(found), POINTS + 1)
        first = np.minimum(edges[:-1].astype(int), len(found) - 1)
        last = np.maximum(np.ceil(edges[1:]).astype(int), first + 1)
        spans = zip(first, last, strict=True)
        return bytes(round(float(found[a:b].max()) * 255) for a, b in spans)
