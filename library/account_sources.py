"""Where an account's music is: its sources, and what the newest sync said of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from . import removed_sources
from .errors import SourceRefused
from .models import Source
from .sources.source import SourceRow

#: An account has at most this many sources, removed ones not counted: one job reads all of them.
MOST_SOURCES = 50
#: Longest name of a source, in letters.
MAX_NAME = 100


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
    """A source of the account at a place: a new one, or the one that it has or had there.

    One that was removed comes back with all that is known of it.

    Raises:
        SourceRefused: the account has as many as it may have.
    """
    found = _at(session, account_id, kind, location)
    if found is None or found.removed_at is not None:
        _refuse_too_many(session, account_id)
    if found is None:
        found = _new(session, account_id, kind, location, name)
    if found.removed_at is not None:
        removed_sources.bring_back(session, source=found)
    found.name, found.settings, found.secret = name[:MAX_NAME], dict(settings or {}) or None, secret
    session.flush()
    return found


def restore(session: Session, *, source: Source) -> None:
    """Bring a removed source back as it was when it was removed.

    Raises:
        SourceRefused: the account has as many as it may have.
    """
    if source.removed_at is not None:
        _refuse_too_many(session, source.account_id)
        removed_sources.bring_back(session, source=source)


def _at(session: Session, account_id: UUID, kind: str, location: str) -> Source | None:
    mine = select(Source).where(Source.account_id == account_id)
    return session.scalar(mine.where(Source.kind == kind, Source.location == location))


def _refuse_too_many(session: Session, account_id: UUID) -> None:
    mine = (Source.account_id == account_id, Source.removed_at.is_(None))
    count = session.scalar(select(func.count()).select_from(Source).where(*mine)) or 0
    if count >= MOST_SOURCES:
        raise SourceRefused(f"You have {count} sources, which is as many as can be: remove one.")


def _new(session: Session, account_id: UUID, kind: str, location: str, name: str) -> Source:
    made = Source(account_id=account_id, kind=kind, location=location, name=name)
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        # Two requests at once: the constraint lets one through, and the other finds it here.
        found = _at(session, account_id, kind, location)
        if found is None:
            raise
        return found
    return made


def change(
    session: Session,
    *,
    source: Source,
    location: str,
    name: str,
    settings: Mapping[str, Any] | None = None,
    secret: bytes | None = None,
) -> None:
    """Have a source be at another place: the next sync reads that, and hides what is not there.

    Raises:
        SourceRefused: the account has another source there, or had one.
    """
    other = _at(session, source.account_id, source.kind, location)
    if other is not None and other.id != source.id:
        what = "You removed the source" if other.removed_at else "You have a source"
        raise SourceRefused(
            f"{what} {other.name} at this place: "
            + ("add it again instead." if other.removed_at else "read that one, or remove it.")
        )
    source.location, source.name = location, name[:MAX_NAME]
    source.settings, source.secret = dict(settings or {}) or None, secret
    session.flush()


def set_first_folder(session: Session, *, account_id: UUID, location: str, name: str) -> None:
    """Have a folder as the account's first source, in place of the folder that was it before.

    For whoever runs Earmark, who names a folder at each start. One that its person removed since
    then stays removed, and where the person removed the first one, a new one is added.
    """
    if _at(session, account_id, "folder", location) is not None:
        return
    mine = select(Source).where(Source.account_id == account_id)
    first = session.scalar(mine.order_by(Source.created_at, Source.id).limit(1))
    if first is not None and first.removed_at is None and first.kind == "folder":
        change(session, source=first, location=location, name=name)
    else:
        add(session, account_id=account_id, location=location, name=name)


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


def read_version(session: Session, *, source_id: UUID) -> int | None:
    """The rules by which the newest completed sync read all of a source."""
    return session.scalar(select(Source.read_version).where(Source.id == source_id))


def locations(session: Session, *, source_id: UUID) -> tuple[str, str | None]:
    """Where a source is, and where its newest completed sync found it."""
    row = session.execute(
        select(Source.location, Source.synced_location).where(Source.id == source_id)
    ).one()
    return row.location, row.synced_location


def of_kind(session: Session, *, kind: str) -> list[SourceRow]:
    """The sources of a kind of all accounts; those that were removed are left out."""
    query = select(Source).where(Source.kind == kind, Source.removed_at.is_(None))
    return [row_of(source) for source in session.scalars(query)]
