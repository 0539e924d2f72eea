"""Songs whose files have other names now, with all that belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from . import list_files
from .models import Song
from .moves import KnownFile, Moves, Print

_FETCHED_ROWS = 1_000
#: So many names that a song had before are kept.
_MOST_FORMER = 10
#: Stands in no path: a song that is gone, and whose name another one has, is called by its id, too.
_DIVIDER = "//"


class KnownSongs(NamedTuple):
    """A source's songs as they were read."""

    #: The names of those whose files are as they were. Of a large library they are nearly all, and
    #: so there is nothing but their names.
    stayed: frozenset[str]
    #: All others, those that are gone among them.
    others: list[KnownFile]

    @property
    def present(self) -> Iterator[str]:
        """The names of those that were there."""
        yield from self.stayed
        yield from (song.name for song in self.others if song.is_present)


def known_songs(session: Session, *, source_id: UUID, found: Mapping[str, Print]) -> KnownSongs:
    """A source's songs, beside the files that were found now."""
    columns = (
        *(Song.id, Song.external_id, Song.size_bytes, Song.modified_ns, Song.inode),
        *(Song.audio_key, Song.gone_at.is_(None)),
    )
    query = select(*columns).where(Song.source_id == source_id)
    rows = session.execute(query.execution_options(yield_per=_FETCHED_ROWS))
    stayed, others = [], []
    for song_id, name, size, modified, inode, key, is_present in rows:
        print_ = list_files.print_of(size, modified, inode)
        if is_present and print_ == found.get(name):
            stayed.append(name)
        else:
            others.append(KnownFile(song_id, name, print_, key, is_present))
    return KnownSongs(frozenset(stayed), others)


def former_names(session: Session, *, source_id: UUID) -> dict[str, UUID]:
    """The ids of a source's present songs by the names that they had before."""
    query = select(Song.id, Song.former_names).where(
        Song.source_id == source_id, Song.present, Song.former_names.is_not(None)
    )
    return {name: song_id for song_id, names in session.execute(query) for name in names or ()}


def rename_songs(session: Session, *, source_id: UUID, moves: Moves, now: datetime) -> None:
    """Give songs their new names, and have those go whose names are taken.

    Their files are still to be read: what is told by a name may be another now.
    """
    touched = [*moves.renamed, *moves.displaced]
    names, former = _names(session, touched)
    _step_aside(session, moves, names)
    rows = []
    for song_id, name in moves.renamed.items():
        earlier = [*(n for n in former[song_id] if n != name), names[song_id]]
        kept = [n for n in dict.fromkeys(earlier) if n != name and _DIVIDER not in n]
        values = {"id": song_id, "external_id": name, "former_names": kept[-_MOST_FORMER:] or None}
        # Without its inode the file is not taken for one that was read.
        rows.append(values | {"inode": None})
    if rows:
        session.execute(update(Song), rows)
    if moves.displaced:
        gone = [{"id": key, "present": False, "gone_at": now} for key in moves.displaced]
        session.execute(update(Song), gone)
    list_files.read_again(session, source_id=source_id)


def _names(session: Session, ids: Iterable[UUID]) -> tuple[dict[UUID, str], dict[UUID, list[str]]]:
    names: dict[UUID, str] = {}
    former: dict[UUID, list[str]] = {}
    listed = list(ids)
    for start in range(0, len(listed), _FETCHED_ROWS // 2):
        part = Song.id.in_(listed[start : start + _FETCHED_ROWS // 2])
        for row in session.execute(
            select(Song.id, Song.external_id, Song.former_names).where(part)
        ):
            names[row.id], former[row.id] = row.external_id, row.former_names or []
    return names, former


def _step_aside(session: Session, moves: Moves, names: Mapping[UUID, str]) -> None:
    """Call the songs by their ids whose names others get: no two have one name at any moment."""
    wanted = set(moves.renamed.values())
    aside = [
        {"id": song_id, "external_id": f"{name.partition(_DIVIDER)[0]}{_DIVIDER}{song_id.hex}"}
        for song_id, name in names.items()
        if name in wanted
    ]
    if aside:
        session.execute(update(Song), aside)
