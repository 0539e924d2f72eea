"""What a source holds, and what of it could not be looked at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

LINK_OUT = "It is a link that leads out of the music folder now, and is not followed."


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder holds, as external ids, sorted."""

    songs: tuple[str, ...] = ()
    playlists: tuple[str, ...] = ()
    #: What people call them, of those whose names say nothing.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: The folders directly in the root.
    top_folders: frozenset[str] = frozenset()
    #: Folders and files that could not be looked at, each with a sentence that says why.
    unseen: Mapping[str, str] = field(default_factory=dict)
    #: Links that lead out of the root.
    links_out: frozenset[str] = frozenset()
    #: Folders that were walked under another name.
    walked_before: frozenset[str] = frozenset()
    #: Folders that systems make for themselves, and that were not looked into, sorted.
    left_out: tuple[str, ...] = ()

    def label(self, name: str) -> str:
        """What people call a song or playlist: a file by its own name without its ending."""
        last = name.rpartition("/")[2]
        return self.labels.get(name) or last.rpartition(".")[0] or last

    def missing(self, known: Iterable[str], is_there: Callable[[str], bool]) -> list[str]:
        """Which of the known names are gone: those alone whose place could be looked at.

        `is_there` is asked for a name in a folder that was walked under another one.
        """
        here = {*self.songs, *self.playlists}
        # A list in a file of several is looked for when the file is read.
        files = frozenset(self.playlists)
        absent = [name for name in known if name not in here and part_of(name, files) is None]
        return [
            name
            for name in absent
            if part_of(name, self.unseen) is None
            and part_of(name, self.links_out) is None
            and not (part_of(name, self.walked_before) is not None and is_there(name))
        ]

    def kept_unseen(self, known: Iterable[str]) -> dict[str, str]:
        """What could not be looked at, with the reasons.

        Links that lead out are among them where something that is known lies behind.
        """
        behind = {part_of(name, self.links_out) for name in known} if self.links_out else set()
        return dict(self.unseen) | {link: LINK_OUT for link in behind if link is not None}


def part_of(name: str, parts: Collection[str]) -> str | None:
    """Which of these parts a name is or lies under, or None."""
    if not parts:
        return None
    return next((part for part in _with_parents(name) if part in parts), None)


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition("/")[0]


def top_folder(name: str) -> str:
    """The folder directly in the root that a name lies in; empty for what lies in the root."""
    head, divider, _ = name.partition("/")
    return head if divider else ""
