"""Where playlists are written to: what any such place can do. Pure.

A place is a folder of music or a server. It is asked for a preview, writes what a plan
says, puts it back, and tells how a list stands to a plan. Whoever carries a plan through
(`acts`) keeps its rows, and is told before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from .adding import Addition
from .diff import Line
from .entries import NewSong


class Standing(StrEnum):
    """How a list stands to a plan."""

    #: As it was when it was looked at: nothing of the plan is in it.
    BEFORE = "before"
    #: As the plan left it.
    AFTER = "after"
    #: Somebody has changed it.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written into one list, or was."""

    id: UUID
    #: The source's own name for the list.
    list_id: str
    songs: Sequence[NewSong]
    #: Names the list's content as it was looked at.
    before_key: str
    #: Names its content with the songs in it, once that was going to be written.
    after_key: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What writing songs into a list would do."""

    before_key: str
    addition: Addition
    lines: Sequence[Line]


#: Told what a list will hold, by its key, right before it is written.
BeforeWriting = Callable[[str, Addition], None]


class ListWriter(Protocol):
    """A place whose lists can be written.

    Every method raises `NotWritable` with a sentence for the person whose list it is, and then has
    changed nothing; `write` and `undo` raise its kind `Edited` where somebody else changed the
    list. A call that was broken off, by whatever, may be made again and ends as if it were the
    first.
    """

    def preview(self, list_id: str, songs: Sequence[NewSong]) -> Preview:
        """What would be written. It changes nothing."""
        ...

    def write(self, plan: Plan, before_writing: BeforeWriting) -> None:
        """Have the list hold the plan's songs, each once."""
        ...

    def undo(self, plan: Plan) -> None:
        """Have the list be as it was before the plan, byte for byte where it is a file."""
        ...

    def verify(self, plan: Plan) -> Standing:
        """How the list stands to the plan now, by reading it."""
        ...

    def settle(self, plan: Plan) -> Standing:
        """The same as `verify`, and whatever an attempt left beside the list is removed."""
        ...

    def since(self, plan: Plan) -> Sequence[Line]:
        """What somebody has changed in the list since the plan was carried out."""
        ...
