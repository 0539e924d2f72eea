"""Sources that their person removed: hidden with all that is in them, and brought back whole.

No row goes with a source. Its songs and playlists are gone from the moment of the removal on, as if
their files were: hidden, kept for a time with all that is known of them, and then purged. Decisions
stay, and so does the source's own row, by which they know their songs when those come back.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from . import giving_way
from .models import Playlist, Song, Source


def of_account(session: Session, *, account_id: UUID) -> list[Source]:
    """The sources that the account removed, the newest removal first."""
    mine = select(Source).where(Source.account_id == account_id, Source.removed_at.is_not(None))
    return list(session.scalars(mine.order_by(Source.removed_at.desc(), Source.id)))


def remove(session: Session, *, source: Source, now: datetime) -> None:
    """Remove a source; its secret is forgotten at once. What is removed already stays so."""
    if source.removed_at is not None:
        return
    source.removed_at, source.secret, source.failure = now, None, None
    session.flush()
    _hide(session, source.id, now)
    giving_way.settle(session, account_id=source.account_id)


def bring_back(session: Session, *, source: Source) -> None:
    """Bring a removed source back as it was when it was removed, as far as it is kept."""
    since, source.removed_at = source.removed_at, None
    session.flush()
    if since is None:
        return
    songs = (Song.source_id == source.id, ~Song.present, Song.gone_at == since)
    shown = Song.shown_as.is_(None)
    session.execute(update(Song).where(*songs).values(present=shown, gone_at=None))
    playlists = (Playlist.source_id == source.id, Playlist.gone_at == since)
    session.execute(update(Playlist).where(*playlists).values(gone_at=None))
    giving_way.settle(session, account_id=source.account_id)


def settle(session: Session, *, account_id: UUID) -> None:
    """Hide what a sync read of a source that was removed meanwhile."""
    removed = select(Source.id, Source.removed_at).where(
        Source.account_id == account_id, Source.removed_at.is_not(None)
    )
    # Held, so that none is brought back between this and the end of the transaction.
    for source_id, since in session.execute(removed.with_for_update(read=True)).all():
        if since is not None:
            _hide(session, source_id, since)


def _hide(session: Session, source_id: UUID, since: datetime) -> None:
    songs = (Song.source_id == source_id, Song.gone_at.is_(None))
    session.execute(update(Song).where(*songs).values(present=False, gone_at=since))
    playlists = (Playlist.source_id == source_id, Playlist.gone_at.is_(None))
    session.execute(update(Playlist).where(*playlists).values(gone_at=since))
