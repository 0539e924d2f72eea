"""The tables of people: who signs in, from which browsers, and whom they invite."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, account_column, utc_now


class Account(Base):
    """A person who signs in."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index(
            "ix_accounts_one_owner",
            "is_owner",
            unique=True,
            sqlite_where=text("is_owner"),
            postgresql_where=text("is_owner"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    #: Read by the release before sessions were rows, which ends sessions of another version.
    session_version: Mapped[int] = mapped_column(default=1)
    #: Whether it is the installation's owner, who may invite others. There is at most one.
    is_owner: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class BrowserSession(Base):
    """A browser that is signed in to an account."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_account_id_last_seen_at", "account_id", "last_seen_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = account_column()
    #: SHA-256 of the token in its cookie: whoever reads the table cannot sign in with it.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: When it last asked for a page, to the hour.
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    #: What the browser calls itself.
    user_agent: Mapped[str] = mapped_column(String(200), default="")


class Invite(Base):
    """Leave to make one account, given by another."""

    __tablename__ = "invites"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    #: Who gave it.
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    #: SHA-256 of the token in its link.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
