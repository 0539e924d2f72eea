"""Playlists and their entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, null, or_, select
from sqlalchemy.orm import Session

from .identity import identity_of
from .models import MissingEntry, Playlist, PlaylistEntry, Song
from .sources.records import EntryRecord

#: A statement names at most this many songs: databases bound the number of its values.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class ListedPlaylist:
    """A playlist as a list shows it."""

    id: UUID
    name: str
    #: How many songs it has.
    size: int


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """A song as its playlist shows it, or what the list says of one that is not there."""

    position: int
    title: str
    artist: str | None
    #: The path or URL that stands in the list, of a song that is not there.
    place: str | None = None
    #: Whether a source has sound for it.
    has_sound: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether the song is not there."""
        return self.place is not None


def save(
    session: Session,
    *,
    account_id: UUID,
    source_id: UUID,
    external_id: str,
    name: str,
    song_ids: Sequence[UUID | None],
    missing: Mapping[int, EntryRecord] | None = None,
) -> Playlist:
    """Add a playlist of a source, or bring it and its entries up to date.

    `song_ids` has None where nothing is known of the song that a place names; `missing` says of
    places, from 0 on, what the list calls a song that is not there.
    """
    playlist = session.scalar(
        select(Playlist).where(Playlist.source_id == source_id, Playlist.external_id == external_id)
    )
    if playlist is None:
        playlist = Playlist(
            account_id=account_id, source_id=source_id, external_id=external_id, name=name
        )
        session.add(playlist)
    playlist.name, playlist.gone_at = name, None
    playlist.identity = playlist.identity or identity_of(source_id, external_id)
    session.flush()
    mine = {"playlist_id": playlist.id, "account_id": account_id}
    ways = _shown_as(session, account_id, {key for key in song_ids if key is not None})
    places = [
        mine
        | {"position": position, "song_id": ways.get(key, key)}
        | {"named_id": key if key in ways else None}
        for position, key in enumerate(song_ids)
        if key is not None
    ]
    absent = [
        mine | {"position": position, "label": entry.label, "place": entry.place}
        for position, entry in (missing or {}).items()
    ]
    for table, rows in ((PlaylistEntry, places), (MissingEntry, absent)):
        _replace(session, table, playlist.id, rows)
    return playlist


def _shown_as(session: Session, account_id: UUID, song_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The songs that are shown in the place of some of these."""
    ids, found = list(song_ids), dict[UUID, UUID]()
    for start in range(0, len(ids), _BATCH):
        part = Song.account_id == account_id, Song.id.in_(ids[start : start + _BATCH])
        query = select(Song.id, Song.shown_as).where(*part, Song.shown_as.is_not(None))
        found |= {key: shown for key, shown in session.execute(query) if shown is not None}
    return found


def _replace(
    session: Session,
    table: type[PlaylistEntry | MissingEntry],
    playlist_id: UUID,
    rows: Sequence[Mapping[str, object]],
) -> None:
    """Make these the rows of a playlist; nothing is written where they are its rows already."""
    of_it = table.playlist_id == playlist_id
    if rows:
        columns = [getattr(table, name) for name in rows[0]]
        known = session.execute(select(*columns).where(of_it).order_by(table.position)).mappings()
        if [dict(row) for row in known] == list(rows):
            return
    session.execute(delete(table).where(of_it))
    if rows:
        session.execute(insert(table), list(rows))


def page(
    session: Session, *, account_id: UUID, after: UUID | None = None, limit: int = 50
) -> list[ListedPlaylist]:
    """The account's playlists by name, from the one after `after` on."""
    query = select(Playlist.id, Playlist.name).where(*_kept(account_id))
    if after is not None:
        mark = get(session, account_id=account_id, playlist_id=after)
        if mark is None:
            return []
        further = (Playlist.name == mark.name) & (Playlist.id > mark.id)
        query = query.where(or_(Playlist.name > mark.name, further))
    query = query.order_by(Playlist.name, Playlist.id).limit(limit)
    rows = session.execute(query).all()
    sizes = _sizes(session, account_id, [row.id for row in rows])
    return [ListedPlaylist(row.id, row.name, sizes.get(row.id, 0)) for row in rows]


def _sizes(session: Session, account_id: UUID, playlist_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many songs that are there each playlist has: all of its entries less the gone ones."""
    if not playlist_ids:
        return {}
    entries = (
        select(PlaylistEntry.playlist_id, func.count())
        .where(PlaylistEntry.playlist_id.in_(playlist_ids))
        .group_by(PlaylistEntry.playlist_id)
    )
    # As a list, not a join, which SQLite would begin with all songs.
    gone = select(Song.id).where(Song.account_id == account_id, ~Song.present)
    in_all, of_gone = (
        {playlist_id: size for playlist_id, size in session.execute(query)}  # noqa: C416
        for query in (entries, entries.where(PlaylistEntry.song_id.in_(gone)))
    )
    return {key: size - of_gone.get(key, 0) for key, size in in_all.items()}


def _kept(account_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return Playlist.account_id == account_id, Playlist.gone_at.is_(None)


def count(session: Session, *, account_id: UUID) -> int:
    """How many playlists there are."""
    query = select(func.count()).select_from(Playlist).where(*_kept(account_id))
    return session.scalar(query) or 0


def count_of_source(session: Session, *, source_id: UUID) -> int:
    """How many playlists a source has."""
    query = select(func.count()).select_from(Playlist)
    query = query.where(Playlist.source_id == source_id, Playlist.gone_at.is_(None))
    return session.scalar(query) or 0


def missing_of_source(
    session: Session, *, source_id: UUID
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """What a source's playlists miss, as places and labels, by their external ids and names."""
    query = (
        select(Playlist.external_id, Playlist.name, MissingEntry.place, MissingEntry.label)
        .join(MissingEntry, MissingEntry.playlist_id == Playlist.id)
        .where(Playlist.source_id == source_id, Playlist.gone_at.is_(None))
        .order_by(Playlist.external_id, MissingEntry.position)
    )
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for external_id, name, place, label in session.execute(query):
        found.setdefault((external_id, name), []).append((place, label))
    return found


def members(session: Session, *, account_id: UUID) -> dict[UUID, list[UUID]]:
    """The songs of each of the account's playlists, in order, each once; what is gone left out."""
    query = (
        select(PlaylistEntry.playlist_id, PlaylistEntry.song_id)
        .join(Song, Song.id == PlaylistEntry.song_id)
        .join(Playlist, Playlist.id == PlaylistEntry.playlist_id)
        .where(PlaylistEntry.account_id == account_id, Song.present, Playlist.gone_at.is_(None))
        .order_by(PlaylistEntry.playlist_id, PlaylistEntry.position)
    )
    found: dict[UUID, dict[UUID, None]] = {}
    for playlist_id, song_id in session.execute(query):
        found.setdefault(playlist_id, {})[song_id] = None
    return {playlist_id: list(songs) for playlist_id, songs in found.items()}


def with_missing(
    session: Session, *, account_id: UUID, source_id: UUID, limit: int
) -> list[tuple[Playlist, int]]:
    """A source's playlists that miss songs, with how many; those that miss most come first."""
    missing = func.count()
    query = (
        select(Playlist, missing)
        .join(MissingEntry, MissingEntry.playlist_id == Playlist.id)
        .where(*_kept(account_id), MissingEntry.account_id == account_id)
        .where(Playlist.source_id == source_id)
        .group_by(Playlist.id)
        .order_by(missing.desc(), Playlist.id)
        .limit(limit)
    )
    return [(playlist, count) for playlist, count in session.execute(query)]


def get(session: Session, *, account_id: UUID, playlist_id: UUID) -> Playlist | None:
    """An account's own playlist."""
    return session.scalar(select(Playlist).where(*_kept(account_id), Playlist.id == playlist_id))


def songs(
    session: Session, *, account_id: UUID, playlist_id: UUID, after: int = -1, limit: int = 100
) -> list[ListedEntry]:
    """The places of an account's own playlist in order, from the position after `after` on.

    Those whose songs are not there are among them.
    """
    here = (
        select(PlaylistEntry.position, Song.title, Song.artist, null(), Song.has_sound)
        .join(Song, Song.id == PlaylistEntry.song_id)
        .where(PlaylistEntry.playlist_id == playlist_id, PlaylistEntry.account_id == account_id)
        .where(PlaylistEntry.position > after, Song.present)
        .order_by(PlaylistEntry.position)
        .limit(limit)
    )
    absent = (
        select(MissingEntry.position, MissingEntry.label, MissingEntry.place)
        .where(MissingEntry.playlist_id == playlist_id, MissingEntry.account_id == account_id)
        .where(MissingEntry.position > after)
        .order_by(MissingEntry.position)
        .limit(limit)
    )
    found = {
        row.position: ListedEntry(row.position, row.label, None, row.place)
        for row in session.execute(absent)
    }
    # A song that came back is there, whatever the newest sync has said of its place.
    found |= {row.position: ListedEntry(*row) for row in session.execute(here)}
    return [found[position] for position in sorted(found)][:limit]


class NamedPlaylist(NamedTuple):
    """A playlist to choose."""

    id: UUID
    name: str


#: A page offers at most this many playlists to choose from.
MAX_NAMES = 1_000


def names(session: Session, *, account_id: UUID) -> list[NamedPlaylist]:
    """The account's playlists to choose from, by name, without their sizes."""
    query = select(Playlist.id, Playlist.name).where(*_kept(account_id))
    rows = session.execute(query.order_by(Playlist.name, Playlist.id).limit(MAX_NAMES))
    return [NamedPlaylist(*row) for row in rows]
