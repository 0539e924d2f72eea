"""Accounts and where their music is."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .errors import EmailTaken
from .models import Account, Source

#: Who an account is and which of its sessions hold, by `account_id`: asked with every request.
IDENTITY = select(Account.email, Account.session_version).where(
    Account.id == bindparam("account_id")
)


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
