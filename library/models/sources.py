"""The tables of sources: where an account's music is, and which of its lists are loved."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, account_column, utc_now, within_account


class Source(Base):
    """Where some of an account's music is: a folder, a server, an export.

    One that was removed stays: songs and playlists that come back from it have the identities by
    which decisions know them, which are made of its id.
    """

    __tablename__ = "sources"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "location"),
        UniqueConstraint("account_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = account_column()
    #: The name of an installed kind (`library.sources.kinds`).
    kind: Mapped[str] = mapped_column(String(20), default="folder")
    #: What its kind finds it by: of a folder, the absolute path.
    location: Mapped[str]
    #: As people see it.
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: What else its kind has to know, and is no secret.
    settings: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: What its kind needs to be let in, sealed.
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: The location that the newest completed sync read. It differs from `location` where another
    #: folder was chosen since then.
    synced_location: Mapped[str | None]
    synced_at: Mapped[datetime | None]
    #: The rules (`MusicSource.read_version`) by which the newest completed sync read all of it.
    read_version: Mapped[int | None]
    #: Why the newest sync could not read it, in a sentence; None where it could.
    failure: Mapped[str | None]
    #: What the newest completed sync found (`library.source_reports`).
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: When its person removed it. Its songs and playlists are gone since then.
    removed_at: Mapped[datetime | None]
    #: Songs with at least so many stars are loved. 0: stars say nothing.
    liked_from_stars: Mapped[int] = mapped_column(default=4, server_default="4")


class LikedList(Base):
    """A list of songs that the person loves, or one that they said is none."""

    __tablename__ = "liked_lists"
    __table_args__ = (within_account("source_id", "sources"),)

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    name: Mapped[str]
    is_liked: Mapped[bool]
    #: Whether the person said so, and not the list's name.
    is_chosen: Mapped[bool]
