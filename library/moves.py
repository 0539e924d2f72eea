"""Which known songs the files of a source are, whatever they are called now. Pure.

A name alone does not tell: files are moved, renamed, swapped and replaced. Evidence is taken in
this order, and each song and each file is taken once: name, size, time and inode together; the
last three of them; name and sound; the sound; the name; the name in other letters. An inode alone
says nothing, for a new file gets that of a deleted one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from .sources.names import alike

#: Size, time and inode of a file, as text; None for what is not known.
Print = tuple[str | None, ...]
#: A disk that gives its files new inodes at each mount is told by at least so many of them.
_MANY = 20


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A song as the newest sync left it."""

    id: UUID
    name: str
    print: Print
    audio_key: str | None
    #: Whether its file was there, and is among the found ones or missing now.
    is_present: bool = True

    @property
    def inode(self) -> str | None:
        """None where it was not noted."""
        return self.print[-1]


@dataclass(frozen=True, slots=True)
class Moves:
    """What became of the known songs whose names do not tell it."""

    #: The new names of songs.
    renamed: Mapping[UUID, str]
    #: Songs whose name is that of another song now, while their own file is nowhere.
    displaced: frozenset[UUID]

    def __bool__(self) -> bool:
        return bool(self.renamed or self.displaced)


NO_MOVES = Moves({}, frozenset())


def are_renumbered(
    known: Iterable[KnownFile], found: Mapping[str, Print], *, stayed: int = 0
) -> bool:
    """Whether the disk has given its files new inodes, as FAT and some networks do.

    Then size and time alone tell what is unchanged. So many files more `stayed` as they were.
    """
    same = [
        song.inode == print_[-1]
        for song in known
        if (print_ := found.get(song.name)) is not None and song.print[:-1] == print_[:-1]
    ]
    of_all, kept = len(same) + stayed, sum(same) + stayed
    return of_all >= _MANY and kept < of_all / 2


def find_moves(
    known: Iterable[KnownFile],
    found: Mapping[str, Print],
    key_of: Callable[[str], str | None],
    *,
    renumbered: bool = False,
) -> Moves:
    """What became of songs, by the files that are there now.

    `key_of` tells what names the sound of a file. It reads the file, so it is asked only where new
    files are there while songs are missing.
    """
    search = _Search(known, found)
    key_once = cache(key_of)
    search.leave_out_what_stayed(renumbered=renumbered)
    search.pair(lambda song: song.print if None not in song.print else None, found.__getitem__)
    search.leave_out_what_was_edited(key_once)
    if any(song.audio_key for song in search.songs):
        search.pair(lambda song: song.audio_key, key_once)
    search.pair(lambda song: song.name, lambda name: name)
    search.pair(lambda song: alike(song.name) if song.is_present else None, alike)
    return search.moves()


def find_new_ids(known: Iterable[KnownFile], found: Mapping[str, Print]) -> Moves:
    """What became of songs whose names are ids that a server gave them, and gave anew.

    Songs of which all else that the server tells is the same are the same songs. Nothing is
    concluded from ids that are alike.
    """
    songs = list(known)
    before = {song.name for song in songs}
    gone = [song for song in songs if song.name not in found]
    new = {name: print_ for name, print_ in found.items() if name not in before}
    search = _Search(gone, new)
    search.pair(lambda song: song.print if None not in song.print else None, new.__getitem__)
    return search.moves()


class _Search:
    """The songs and files that are not paired yet, and the pairs."""

    def __init__(self, known: Iterable[KnownFile], found: Mapping[str, Print]) -> None:
        self.songs = list(known)
        self._known = self.songs
        self._found = found
        self._names = set(found)
        self._names_of: dict[UUID, str] = {}

    def leave_out_what_stayed(self, *, renumbered: bool) -> None:
        """Pair the songs whose files are as they were."""
        for song in self.songs:
            now = self._found.get(song.name)
            if now is None or not song.is_present:
                continue
            # No inode is noted of a song that was renamed, until its file is read.
            is_like_before = song.inode is None or song.print == now
            if is_like_before or (renumbered and song.print[:-1] == now[:-1]):
                self._take(song, song.name)
        self._leave_out_taken()

    def leave_out_what_was_edited(self, key_of: Callable[[str], str | None]) -> None:
        """Pair the songs whose files have their names still, and their sound.

        Inodes are enough where each of these files has its own still, no new name is there and
        none is missing: then no file can be in another's place.
        """
        present = [song for song in self.songs if song.is_present]
        edited = [song for song in present if song.name in self._names]
        is_enough = len(edited) == len(present) == len(self._names) and all(
            song.inode == self._found[song.name][-1] for song in edited
        )
        for song in edited:
            if is_enough or (song.audio_key and key_of(song.name) == song.audio_key):
                self._take(song, song.name)
        self._leave_out_taken()

    def pair(
        self,
        sign_of_song: Callable[[KnownFile], object],
        sign_of_file: Callable[[str], object],
    ) -> None:
        """Pair songs and files that have the same sign."""
        if not self.songs or not self._names:
            return
        songs: defaultdict[object, list[KnownFile]] = defaultdict(list)
        files: defaultdict[object, list[str]] = defaultdict(list)
        for song in self.songs:
            if (sign := sign_of_song(song)) is not None:
                songs[sign].append(song)
        for name in sorted(self._names) if songs else ():
            if (sign := sign_of_file(name)) in songs:
                files[sign].append(name)
        for sign, names in files.items():
            self._pair_alike(songs[sign], names)
        self._leave_out_taken()

    def _pair_alike(self, songs: list[KnownFile], names: list[str]) -> None:
        """Pair equal songs and files: by the whole name, by the file's own, then in order."""
        # Those that were there at the newest sync come first.
        left = sorted(songs, key=lambda song: (not song.is_present, song.name))
        for part_of in (_whole, _last, _nothing):
            by_part: defaultdict[str, list[KnownFile]] = defaultdict(list)
            for song in reversed(left):
                by_part[part_of(song.name)].append(song)
            for name in [name for name in names if name in self._names]:
                if fitting := by_part[part_of(name)]:
                    self._take(fitting.pop(), name)
            left = [song for song in left if song.id not in self._names_of]

    def _take(self, song: KnownFile, name: str) -> None:
        self._names_of[song.id] = name
        self._names.discard(name)

    def _leave_out_taken(self) -> None:
        self.songs = [song for song in self.songs if song.id not in self._names_of]

    def moves(self) -> Moves:
        renamed = {
            song.id: name
            for song in self._known
            if (name := self._names_of.get(song.id)) is not None and name != song.name
        }
        taken = set(renamed.values())
        displaced = frozenset(song.id for song in self.songs if song.name in taken)
        return Moves(renamed, displaced) if renamed else NO_MOVES


def _whole(name: str) -> str:
    return name


def _last(name: str) -> str:
    return alike(name.rpartition("/")[2])


def _nothing(_: str) -> str:
    return ""
