"""Removal: an account's end, in batches, so that nobody else waits for it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CursorResult, Table, delete, select, tuple_, update
from sqlalchemy.orm import Session

from . import accounts
from .models import Account, Base, Job

#: No password has this hash.
_NOBODYS_HASH = "-"

#: The tables with an account's rows, in the order of deletion: a table stands before those that
#: it refers to.
_TABLES = tuple(
    table for table in reversed(Base.metadata.sorted_tables) if "account_id" in table.columns
)


def close(session: Session, *, account_id: UUID) -> None:
    """Have nobody sign in to an account any more, and end its sessions."""
    accounts.set_password(session, account_id=account_id, password_hash=_NOBODYS_HASH)
    # So that jobs can go in any order.
    session.execute(update(Job).where(Job.account_id == account_id).values(retry_of=None))


def remove_some(session: Session, *, account_id: UUID, limit: int) -> int:
    """Delete some rows of an account, its own row last; returns how many. 0: nothing is left.

    As one cascade, 50,000 songs held SQLite's write lock for 107 seconds: each row that goes has
    the rows looked for that refer to it.
    """
    for table in _TABLES:
        gone = _delete_some(session, table, account_id, limit)
        if gone:
            return gone
    done = session.execute(delete(Account).where(Account.id == account_id))
    return done.rowcount if isinstance(done, CursorResult) else 0


def _delete_some(session: Session, table: Table, account_id: UUID, limit: int) -> int:
    key = tuple(table.primary_key.columns)
    some = select(*key).where(table.c.account_id == account_id).limit(limit)
    done = session.execute(delete(table).where(tuple_(*key).in_(some)))
    return done.rowcount if isinstance(done, CursorResult) else 0
