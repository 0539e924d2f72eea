"""What a source holds: counts for its page, for the list, and for who is about to remove it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from .models import Decision, LikedSong, Playlist, Song, Source


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much of each there is."""

    songs: int = 0
    #: Songs that anything says are loved.
    loved: int = 0
    playlists: int = 0


@dataclass(frozen=True, slots=True)
class Details:
    """What else the page of a source tells."""

    #: Songs of which there is no sound to hear.
    soundless: int
    #: Songs for which those of another source are shown, since they are the same.
    same: int
    #: Songs that it has no longer, and that are kept for a time.
    gone: int
    #: Decisions about its songs and playlists. They stay, whatever becomes of it.
    decisions: int


def of_account(session: Session, *, account_id: UUID) -> dict[UUID, Holdings]:
    """What each of the account's sources holds. One that holds nothing has the empty one."""
    # All of them, from an index alone, less those that are gone, which are few.
    own = select(Source.id).where(Source.account_id == account_id)
    in_all = (
        select(Song.source_id, func.count()).where(Song.source_id.in_(own)).group_by(Song.source_id)
    )
    gone = (
        select(Song.source_id, func.count())
        .where(Song.account_id == account_id, ~Song.present, Song.gone_at.is_not(None))
        .group_by(Song.source_id)
    )
    is_loved = (LikedSong.account_id == Song.account_id) & (LikedSong.song_id == Song.id)
    loved = (
        select(Song.source_id, func.count(LikedSong.song_id.distinct()))
        .join(LikedSong, is_loved)
        .where(Song.account_id == account_id, Song.gone_at.is_(None))
        .group_by(Song.source_id)
    )
    playlists = (
        select(Playlist.source_id, func.count())
        .where(Playlist.account_id == account_id, Playlist.gone_at.is_(None))
        .group_by(Playlist.source_id)
    )
    known, left, loves, lists = (
        {source_id: count for source_id, count in session.execute(query)}  # noqa: C416 - its types
        for query in (in_all, gone, loved, playlists)
    )
    found = {
        source_id: Holdings(
            known.get(source_id, 0) - left.get(source_id, 0),
            loves.get(source_id, 0),
            lists.get(source_id, 0),
        )
        for source_id in {*known, *lists}
    }
    return defaultdict(Holdings, found)


def details(session: Session, *, account_id: UUID, source_id: UUID) -> Details:
    """What else there is to tell of an account's own source."""
    mine = (Song.account_id == account_id, Song.source_id == source_id)
    of_songs = select(func.count()).select_from(Song)
    identities = [
        select(table.identity).where(table.account_id == account_id, table.source_id == source_id)
        for table in (Song, Playlist)
    ]
    decisions = (
        select(func.count())
        .select_from(Decision)
        .where(
            Decision.account_id == account_id,
            Decision.undone_at.is_(None),
            or_(
                Decision.song_identity.in_(identities[0]),
                Decision.playlist_identity.in_(identities[1]),
            ),
        )
    )
    queries = (
        of_songs.where(*mine, Song.present, ~Song.has_sound),
        of_songs.where(*mine, Song.gone_at.is_(None), Song.shown_as.is_not(None)),
        of_songs.where(*mine, ~Song.present, Song.gone_at.is_not(None)),
        decisions,
    )
    return Details(*(session.scalar(query) or 0 for query in queries))
