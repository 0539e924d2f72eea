"""Weights: how much each signal counts, learnt from public playlists and kept beside this module.

`make bench-matching` says where they are from, and `--choose all` learns them anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .signals import SIGNALS

Vector = npt.NDArray[np.float64]
#: Raised when proposals are no longer to be compared with those of before.
VERSION = 3
_FILE = "weights.json"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Weights of the signals, and when no playlist fits.

    Songs by artists that are in some playlist have weights of their own, and so have the others.
    """

    #: Each in the order of `SIGNALS`.
    known: Vector
    new: Vector
    #: For each of the two the logit of "none of these", where half of all songs fit in none: a
    #: constant, and the weights of the evidence (`choice.evidence`) and of log(number of lists).
    none_known: Vector
    none_new: Vector
    #: Which weights these are; part of what is kept of a proposal.
    version: str

    def moved(self, known: Vector, new: Vector) -> Weights:
        """These weights after an account's decisions moved them."""
        return replace(self, known=known, new=new, version=f"{self.version}+own")


def read() -> Weights:
    """The weights of this version.

    Raises:
        ValueError: the file is of other signals.
    """
    stored = json.loads(resources.files(__package__).joinpath(_FILE).read_text("utf-8"))
    if tuple(stored["signals"]) != SIGNALS:
        raise ValueError(f"{_FILE} has the weights of {stored['signals']}: learn them anew.")
    named = {name: np.array(stored[name]) for name in ("known", "new", "none_known", "none_new")}
    return Weights(**named, version=f"{VERSION}.{stored['learnt_on']}")


def write(weights: Weights, *, learnt_on: str, **about: Any) -> None:
    """Keep weights for the next version, with the day they were learnt on and what from."""
    names = ("known", "new", "none_known", "none_new")
    stored = {
        "learnt_on": learnt_on,
        **about,
        "signals": list(SIGNALS),
        **{name: [round(float(x), 4) for x in getattr(weights, name)] for name in names},
    }
    path = Path(str(resources.files(__package__).joinpath(_FILE)))
    path.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
