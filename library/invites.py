"""Invites: each lets one person make an account, once, for a week."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CursorResult, Delete, delete, select
from sqlalchemy.orm import Session

from .models import Invite
from .tokens import new_token, token_hash

LIFE = timedelta(days=7)


def create(session: Session, *, account_id: UUID, now: datetime) -> str:
    """The token of a new invite, which is told only here."""
    token = new_token()
    session.add(
        Invite(
            account_id=account_id,
            token_hash=token_hash(token),
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return token


def of_account(session: Session, *, account_id: UUID, now: datetime) -> list[Invite]:
    """The invites that an account has given and that can still be used, the newest first."""
    mine = select(Invite).where(Invite.account_id == account_id, Invite.expires_at > now)
    return list(session.scalars(mine.order_by(Invite.created_at.desc(), Invite.id)))


def is_good(session: Session, *, token: str, now: datetime) -> bool:
    """Whether a token can be used."""
    found = select(Invite.id).where(Invite.token_hash == token_hash(token))
    return session.scalar(found.where(Invite.expires_at > now)) is not None


def use(session: Session, *, token: str, now: datetime) -> bool:
    """Use an invite up; True for the one transaction that did."""
    found = delete(Invite).where(Invite.token_hash == token_hash(token))
    return _count(session, found.where(Invite.expires_at > now)) == 1


def withdraw(session: Session, *, account_id: UUID, invite_id: UUID) -> bool:
    """Take back an invite that an account has given; False where it has given none of that id."""
    mine = delete(Invite).where(Invite.account_id == account_id)
    return _count(session, mine.where(Invite.id == invite_id)) == 1


def purge(session: Session, *, now: datetime, limit: int) -> int:
    """Delete at most `limit` invites that have expired; returns how many it deleted."""
    over = select(Invite.id).where(Invite.expires_at <= now).limit(limit)
    return _count(session, delete(Invite).where(Invite.id.in_(over)))


def _count(session: Session, statement: Delete) -> int:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return done.rowcount if isinstance(done, CursorResult) else 0
