"""Keyset pages: each page of a list is named by the last row of the one before. No I/O here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from library.matches import Mark

from .job_views import parse_id

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, in its order."""

    rows: Sequence[Row]
    #: The last of the rows, where others follow it.
    last: Row | None

    @classmethod
    def of(cls, found: Sequence[Row], size: int) -> Page[Row]:
        """A page of at most `size`, from rows that were asked for with one more."""
        rows = found[:size]
        return cls(rows, rows[-1] if len(found) > size else None)


def mark_text(mark: Mark) -> str:
    """A place among the proposals as an address has it."""
    score, song_id = mark
    return f"{score!r}:{song_id}"


def parse_mark(text: str) -> Mark | None:
    """The place among the proposals that a text names, else None."""
    score_text, _, id_text = text.partition(":")
    song_id = parse_id(id_text)
    try:
        score = float(score_text)
    except ValueError:
        return None
    return (score, song_id) if song_id is not None and math.isfinite(score) else None


def parse_position(text: str) -> int:
    """The position in a playlist that a text names; -1, before the first, where it names none."""
    number = parse_number(text, most_digits=_POSITION_DIGITS)
    return -1 if number is None else number


def parse_number(text: str, *, most_digits: int = 18) -> int | None:
    """The number that a text names, if a database can hold it, else None."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= most_digits
    return int(text) if is_number else None


#: Positions are kept in four bytes.
_POSITION_DIGITS = 9
