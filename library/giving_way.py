"""Songs that give way: of those that are the same one is shown, and has all that is kept of them.

A song without sound (of an export) gives way to the file of the same song in another source. When
the file goes, it is shown again. What is shown follows from the rows as they are, by one rule,
whatever came first; so `settle` may be called at any time, and is after every sync:

1. Each song that is there and has sound is shown.
2. Each song without sound that its source has, the oldest source's first, is shown as the first of
   the shown songs that is the same (`library.same_song`), or as itself.
3. Decisions and hearts lie with the song that is shown: of two about the same playlist the newer,
   while the older stays where it is. A song that is gone leaves them to what is shown for it. A
   file does so where a song without sound says what it was: by itself, another file is a copy.
4. Entries of playlists and what lists and ratings say are kept as the source told them, and what is
   shown is derived from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from . import carrying, likes
from .models import Account, LikedSong, Playlist, PlaylistEntry, Song, Source
from .same_song import Catalogue, Named

#: Rows are written in parts of this many.
_WRITTEN_ROWS = 1_000
_PLACE = "place:"


@dataclass(frozen=True, slots=True)
class Kept:
    """A song as far as the rule looks at it."""

    id: UUID
    #: Whether its source has it.
    is_there: bool
    has_sound: bool
    named: Named

    @property
    def may_be_shown(self) -> bool:
        """Whether it is there and has sound."""
        return self.is_there and self.has_sound


def shown_as(songs: Sequence[Kept]) -> dict[UUID, UUID]:
    """The song that is shown in the place of each that is not shown itself. Pure.

    `songs` are in the order of their sources, the oldest first. A song that is gone has one only
    where it left one that is the same.
    """
    shown = [song for song in songs if song.may_be_shown]
    catalogue = Catalogue(song.named for song in shown)
    found: dict[UUID, UUID] = {}
    silent = [song for song in songs if song.is_there and not song.has_sound]
    for song in silent:
        at = catalogue.find(song.named)
        if at is not None:
            found[song.id] = shown[at].id
        else:
            catalogue.add(song.named)
            shown.append(song)
    gone = [song for song in songs if not song.is_there]
    of_silent = Catalogue(song.named for song in silent if gone)
    for song in gone:
        among, where = (silent, of_silent) if song.has_sound else (shown, catalogue)
        at = where.find(song.named)
        if at is not None:
            found[song.id] = found.get(among[at].id, among[at].id)
    return found


class Settled(NamedTuple):
    """What a call of `settle` came to."""

    #: Songs without sound that are shown, and those for which another one is.
    without_sound: int
    same: int


def settle(session: Session, *, account_id: UUID) -> Settled:
    """Bring what is shown, and all that hangs on it, in accord with the songs that are there."""
    if not session.scalar(select(exists().where(*_silent(account_id)))):
        return Settled(0, 0)
    # One after the other: two at once would carry the same decisions. It keeps nobody from adding
    # rows that belong to the account.
    mine = select(Account.id).where(Account.id == account_id)
    session.execute(mine.with_for_update(key_share=True))
    songs = list(_songs(session, account_id))
    ways = shown_as(songs)
    _show(session, account_id, songs, ways)
    _name_entries(session, account_id)
    carrying.decisions(session, account_id=account_id, ways=ways)
    carrying.hearts(session, account_id=account_id, ways=ways)
    _love(session, account_id, songs, ways)
    silent = [song for song in songs if song.is_there and not song.has_sound]
    same = sum(song.id in ways for song in silent)
    return Settled(len(silent) - same, same)


def _silent(account_id: UUID) -> tuple[Any, ...]:
    return Song.account_id == account_id, ~Song.has_sound


def _songs(session: Session, account_id: UUID) -> Iterator[Kept]:
    query = (
        select(
            Song.id,
            Song.external_id,
            Song.gone_at.is_(None).label("is_there"),
            Song.has_sound,
            Song.title,
            Song.artist,
            Song.artists,
            Song.album,
            Song.duration_seconds,
            Song.isrc,
            Song.recording_mbid,
        )
        .join(Source, Source.id == Song.source_id)
        .where(Song.account_id == account_id)
        .order_by(Source.created_at, Source.id, Song.external_id)
    )
    for row in session.execute(query.execution_options(yield_per=_WRITTEN_ROWS)):
        place = row.external_id
        if not row.has_sound:
            place = place.removeprefix(_PLACE) if place.startswith(_PLACE) else None
        yield Kept(
            row.id,
            row.is_there,
            row.has_sound,
            Named(
                row.title,
                row.artist,
                tuple(row.artists or ()),
                row.album,
                row.duration_seconds,
                row.isrc,
                row.recording_mbid,
                place,
            ),
        )


def _show(
    session: Session, account_id: UUID, songs: Iterable[Kept], ways: dict[UUID, UUID]
) -> None:
    """Write which songs are shown, where that has changed."""
    query = select(Song.id, Song.present, Song.shown_as).where(*_silent(account_id))
    before = {row.id: (row.present, row.shown_as) for row in session.execute(query)}
    rows = []
    for song in songs:
        if song.id not in before:
            continue
        after = song.is_there and song.id not in ways, ways.get(song.id)
        if before[song.id] != after:
            rows.append({"id": song.id, "present": after[0], "shown_as": after[1]})
    for start in range(0, len(rows), _WRITTEN_ROWS):
        session.execute(update(Song), rows[start : start + _WRITTEN_ROWS])


def _name_entries(session: Session, account_id: UUID) -> None:
    """Have playlists hold the songs that are shown."""
    # Songs without sound stand in the playlists of their own sources alone.
    sources = select(Song.source_id).where(*_silent(account_id)).distinct()
    lists = select(Playlist.id).where(
        Playlist.account_id == account_id, Playlist.source_id.in_(sources)
    )
    mine = PlaylistEntry.playlist_id.in_(lists)
    unseen = {"synchronize_session": False}
    replaced = select(Song.id).where(
        Song.account_id == account_id, Song.shown_as.is_not(None), ~Song.has_sound
    )
    of_replaced = mine, PlaylistEntry.named_id.is_(None), PlaylistEntry.song_id.in_(replaced)
    named = update(PlaylistEntry).where(*of_replaced).values(named_id=PlaylistEntry.song_id)
    session.execute(named, execution_options=unseen)
    # One that was purged is named no more: what was shown for it stays.
    now_shown = (
        select(func.coalesce(Song.shown_as, Song.id))
        .where(Song.id == PlaylistEntry.named_id)
        .scalar_subquery()
    )
    of_named = mine, PlaylistEntry.named_id.is_not(None), PlaylistEntry.song_id != now_shown
    follow = update(PlaylistEntry).where(*of_named).values(song_id=now_shown)
    session.execute(follow, execution_options=unseen)


def _love(
    session: Session, account_id: UUID, songs: Iterable[Kept], ways: dict[UUID, UUID]
) -> None:
    """Love what is shown where a list or a rating of a song that is the same says so."""
    said = LikedSong.account_id == account_id, LikedSong.origin.in_((likes.LIST, likes.RATING))
    loved = set(session.scalars(select(LikedSong.song_id).where(*said).distinct()))
    wanted = {
        ways[song.id] for song in songs if song.is_there and song.id in ways and song.id in loved
    }
    likes.replace(session, account_id=account_id, song_ids=sorted(wanted), origin=likes.SAME)
