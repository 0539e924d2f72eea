"""The listing of a source: what is there, what of it is known, and what was moved or is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from library import account_sources, gone, list_files, list_renames, song_renames
from library.loss import Known, Loss, assess
from library.moves import (
    NO_MOVES,
    KnownFile,
    Moves,
    Print,
    are_renumbered,
    find_moves,
    find_new_ids,
)
from library.song_renames import KnownSongs
from library.sources.contents import Contents, part_of
from library.sources.source import (
    GivesIds,
    MusicSource,
    SourceOfFiles,
    SourceRow,
    TellsWhatItLists,
)

from .base import PipelineTask
from .sync_place import Place

#: A note is told at most as often as this.
NOTE_SECONDS = 0.5


@dataclass(frozen=True)
class _Known:
    """What the newest sync left."""

    all: Known
    songs: KnownSongs
    #: Size, time and inode of the files with playlists, and what names their content.
    lists: Mapping[str, Print]
    list_keys: Mapping[str, str | None]
    location: str
    synced_location: str | None
    read_version: int | None


def look(task: PipelineTask, row: SourceRow, music: MusicSource, *, suffix: str) -> Place:
    """List the source, and compare what is there with what was."""
    with task.job.phase(f"listing{suffix}"):
        notes = _Notes(task, row.name)
        if isinstance(music, TellsWhatItLists):
            music.on_folder = notes.tell_folder
        contents = music.scan()
        found = _Prints(music, contents.songs)
        known = _load(task, row, found)
        return _compare(known, music, contents, found, notes, row=row, suffix=suffix)


def _load(task: PipelineTask, row: SourceRow, found: Mapping[str, Print]) -> _Known:
    source_id = row.id
    with task.database.reading() as session:
        location, synced = account_sources.locations(session, source_id=source_id)
        songs = song_renames.known_songs(session, source_id=source_id, found=found)
        mine = {"account_id": task.account_id, "source_id": source_id}
        return _Known(
            gone.known(session, **mine, songs=songs.present),
            songs,
            list_files.prints(session, source_id=source_id),
            list_files.keys(session, source_id=source_id),
            location,
            synced,
            account_sources.read_version(session, source_id=source_id),
        )


def _compare(
    known: _Known,
    music: MusicSource,
    contents: Contents,
    found: Mapping[str, Print],
    notes: _Notes,
    *,
    row: SourceRow,
    suffix: str,
) -> Place:
    missing = contents.missing(sorted(known.all.songs), music.is_there)
    # What stands for an inode elsewhere is a source's own, and never given anew.
    is_renumbered = isinstance(music, SourceOfFiles) and are_renumbered(
        (song for song in known.songs.others if song.is_present),
        found,
        stayed=len(known.songs.stayed),
    )
    songs = _candidates(known.songs.others, found, missing)
    moves, renamed = NO_MOVES, dict[str, str]()
    if isinstance(music, SourceOfFiles):
        key_of = notes.counting(music.audio_key)
        moves = find_moves(songs, _others(found, known), key_of, renumbered=is_renumbered)
        found_lists = _Prints(music, contents.playlists)
        renamed = _renamed_lists(
            known, contents, found_lists, is_there=music.is_there, key_of=music.list_key
        )
    elif isinstance(music, GivesIds):
        moves = find_new_ids(songs, _others(found, known))
    is_same_rules = known.read_version == music.read_version
    return Place(
        source_id=row.id,
        location=known.location,
        music=music,
        contents=contents,
        known_playlists=frozenset(list_renames.as_renamed(known.all.playlists, renamed)),
        loss=_loss(known, music, contents, moves, renamed, missing=missing, row=row),
        unchanged=_unchanged(known, found, is_renumbered=is_renumbered)
        if is_same_rules
        else frozenset(),
        is_known_by_rules=is_same_rules,
        unseen=contents.kept_unseen((*known.all.songs, *known.all.playlists)),
        suffix=suffix,
        moves=moves,
        renamed_lists=renamed,
    )


def _loss(
    known: _Known,
    music: MusicSource,
    contents: Contents,
    moves: Moves,
    renamed: Mapping[str, str],
    *,
    missing: Sequence[str],
    row: SourceRow,
) -> Loss:
    lists = contents.missing(sorted(known.all.playlists), music.is_there)
    return assess(
        known.all,
        missing_songs=_really_missing(known.songs.others, moves, missing),
        missing_playlists=[name for name in lists if part_of(name, renamed) is None],
        top_folders=contents.top_folders,
        source_id=row.id,
        is_expected=known.synced_location not in (None, known.location) and bool(contents.songs),
    )


def _renamed_lists(
    known: _Known,
    contents: Contents,
    found: Mapping[str, Print],
    *,
    is_there: Callable[[str], bool],
    key_of: Callable[[str], str | None],
) -> dict[str, str]:
    missing = set(contents.missing(sorted(known.lists), is_there))
    there = {
        name: print_ for name, print_ in known.lists.items() if name in found or name in missing
    }
    return list_renames.find(there, known.list_keys, found, key_of)


class _Prints(Mapping[str, Print]):
    """What files are by size, time and inode. The source has it in less room than a dict would."""

    def __init__(self, music: MusicSource, names: Sequence[str]) -> None:
        self._music = music
        self._names = {name for name in names if music.fingerprint(name) is not None}

    def __getitem__(self, name: str) -> Print:
        found = self._music.fingerprint(name) if name in self._names else None
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _others(found: Mapping[str, Print], known: _Known) -> dict[str, Print]:
    """The files that are not known as they are."""
    return {name: found[name] for name in found if name not in known.songs.stayed}


def _candidates(
    files: Sequence[KnownFile], found: Mapping[str, Print], missing: Sequence[str]
) -> list[KnownFile]:
    """The songs that may have moved. What could not be looked at is where it was."""
    absent = set(missing)
    return [
        file for file in files if not file.is_present or file.name in found or file.name in absent
    ]


def _really_missing(files: Sequence[KnownFile], moves: Moves, missing: Sequence[str]) -> list[str]:
    moved = {file.name for file in files if file.id in moves.renamed}
    displaced = {file.name for file in files if file.id in moves.displaced and file.is_present}
    return sorted({name for name in missing if name not in moved} | displaced)


def _unchanged(known: _Known, found: Mapping[str, Print], *, is_renumbered: bool) -> frozenset[str]:
    """The songs whose files are as they were; where inodes say nothing, by size and time alone."""
    if not is_renumbered:
        return known.songs.stayed
    return known.songs.stayed | {
        file.name
        for file in known.songs.others
        if file.is_present
        and file.inode is not None
        and (now := found.get(file.name)) is not None
        and file.print[:-1] == now[:-1]
    }


@dataclass
class _Notes:
    """What the listing says in words, not too often."""

    task: PipelineTask
    name: str
    _due: float = field(default_factory=time.monotonic)
    _looked: int = 0

    def tell_folder(self, folder: str, files: int) -> None:
        """That a folder is listed now, and how many files were found before it."""
        self.task.job.raise_if_stopped()
        shown = f"{self.name}/{folder}" if folder else self.name
        self._tell(f"Listing {shown}", files=files)

    def counting(self, key_of: Callable[[str], str | None]) -> Callable[[str], str | None]:
        """The same function, which says how often it was asked."""

        def counted(name: str) -> str | None:
            self.task.job.raise_if_stopped()
            self._looked += 1
            self._tell("Looking for songs that were moved", files=self._looked)
            return key_of(name)

        return counted

    def _tell(self, text: str, *, files: int) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + NOTE_SECONDS
            self.task.job.note(text, files=files)
