"""Where an account's music is: its sources, and what the newest sync said of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from .models import Source
from .sources.source import SourceRow


def of_account(session: Session, *, account_id: UUID) -> list[Source]:
    """The account's sources, the oldest first; those that were removed are left out."""
    mine = select(Source).where(Source.account_id == account_id, Source.removed_at.is_(None))
    return list(session.scalars(mine.order_by(Source.created_at, Source.id)))


def get(session: Session, *, account_id: UUID, source_id: UUID) -> Source | None:
    """An account's own source, also one that was removed."""
    mine = select(Source).where(Source.account_id == account_id)
    return session.scalar(mine.where(Source.id == source_id))


def add(
    session: Session,
    *,
    account_id: UUID,
    location: str,
    name: str,
    kind: str = "folder",
    settings: Mapping[str, Any] | None = None,
    secret: bytes | None = None,
) -> Source:
    """A source of the account at a place: the one that it has there already, or a new one."""
    mine = select(Source).where(Source.account_id == account_id)
    found = session.scalar(mine.where(Source.kind == kind, Source.location == location))
    if found is None:
        found = Source(account_id=account_id, kind=kind, location=location)
        session.add(found)
    found.name, found.settings, found.secret = name, dict(settings or {}) or None, secret
    session.flush()
    return found


def row_of(source: Source) -> SourceRow:
    """What a source's kind opens it by."""
    return SourceRow(
        source.id,
        source.account_id,
        source.location,
        source.name,
        source.settings or {},
        source.secret,
    )


def set_synced(
    session: Session,
    *,
    source_id: UUID,
    location: str,
    now: datetime,
    read_version: int | None = None,
    report: Mapping[str, Any] | None = None,
) -> None:
    """Note that a sync has read all of a source at a location, by the rules of a version."""
    said = {"synced_location": location, "synced_at": now, "read_version": read_version}
    said |= {"failure": None, "report": dict(report or {}) or None}
    session.execute(update(Source).where(Source.id == source_id).values(**said))


def set_failed(session: Session, *, source_id: UUID, reason: str) -> None:
    """Note why a sync could not read a source."""
    session.execute(update(Source).where(Source.id == source_id).values(failure=reason))


def locations(session: Session, *, source_id: UUID) -> tuple[str, str | None]:
    """Where a source is, and where its newest completed sync found it."""
    row = session.execute(
        select(Source.location, Source.synced_location).where(Source.id == source_id)
    ).one()
    return row.location, row.synced_location
