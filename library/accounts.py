"""Accounts and where their music is."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from sqlalchemy import select, update
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
        raise EmailTaken(account.email) from error
    return account


def get(session: Session, *, account_id: UUID) -> Account | None:
    """The account of an id."""
    return session.get(Account, account_id)


def by_email(session: Session, *, email: str) -> Account | None:
    """The account of an e-mail address, in any case."""
    return session.scalar(select(Account).where(Account.email == normal_email(email)))


def are_there_any(session: Session) -> bool:
    """Whether the installation has an account."""
    return session.scalar(select(Account.id).limit(1)) is not None


def everyone(session: Session) -> list[tuple[Account, list[Source]]]:
    """All accounts, the oldest first, each with its sources, the oldest first."""
    found = session.scalars(select(Account).order_by(Account.created_at, Account.id)).all()
    present = select(Source).where(Source.removed_at.is_(None))
    sources: defaultdict[UUID, list[Source]] = defaultdict(list)
    for source in session.scalars(present.order_by(Source.created_at, Source.id)):
        sources[source.account_id].append(source)
    return [(account, sources[account.id]) for account in found]


def claim_ownership(session: Session, *, account: Account) -> None:
    """Make an account the installation's owner, if it has none."""
    if session.scalar(select(Account.id).where(Account.is_owner)) is None:
        account.is_owner = True
        session.flush()


def make_owner(session: Session, *, account: Account) -> None:
    """Make an account the installation's owner in place of whoever was."""
    # Before the next: there is one at most, at every moment.
    session.execute(update(Account).where(Account.is_owner).values(is_owner=False))
    account.is_owner = True
    session.flush()


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
