"""Accounts and where their music is."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from . import sessions
from .errors import EmailTaken
from .models import Account, Source


def normal_email(email: str) -> str:
    """An e-mail address as it is kept: people write theirs in several ways."""
    return email.strip().lower()


def create(session: Session, *, email: str, password_hash: str) -> Account:
    """A new account.

    Raises:
        EmailTaken: the address has an account already.
    """
    account = Account(email=normal_email(email), password_hash=password_hash)
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError as error:
        raise EmailTaken(f"There is an account for {account.email} already.") from error
    return account


def get(session: Session, *, account_id: UUID) -> Account | None:
    """The account of an id."""
    return session.get(Account, account_id)


def by_email(session: Session, *, email: str) -> Account | None:
    """The account of an e-mail address, in any case."""
    return session.scalar(select(Account).where(Account.email == normal_email(email)))


def set_password(
    session: Session, *, account_id: UUID, password_hash: str, keep_session: UUID | None = None
) -> bool:
    """Give an account a new password, and end its sessions, all or all but one.

    False where there is no such account.
    """
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        return False
    account.password_hash = password_hash
    account.session_version += 1
    sessions.end_all(session, account_id=account_id, but=keep_session)
    return True


def source(session: Session, *, account_id: UUID) -> Source | None:
    """The account's source of music, the oldest where there are several."""
    mine = select(Source).where(Source.account_id == account_id)
    return session.scalar(mine.order_by(Source.created_at, Source.id).limit(1))


def set_folder(session: Session, *, account_id: UUID, location: str, name: str) -> Source:
    """Make a folder the account's source of music, if it is not yet."""
    present = source(session, account_id=account_id)
    if present is None:
        present = Source(account_id=account_id, kind="folder", location=location, name=name)
        session.add(present)
    present.location, present.name = location, name
    session.flush()
    return present
