"""Sessions: the browsers that are signed in, a row for each.

A session is found by its token, which only its browser has: the row holds the token's hash. What
has no row is no session, so that deleting the row ends it at once, whatever copies of the cookie
there are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, bindparam, delete, select, update
from sqlalchemy.orm import Session

from .models import Account, BrowserSession
from .tokens import new_token, token_hash

#: How long a session lasts from the last page that it asked for.
LIFE = timedelta(days=30)
#: A session's last page is noted at most this often: a write with each page would cost more than
#: the page.
SEEN_EVERY = timedelta(hours=1)

_MAX_USER_AGENT = 200
_MOST_SHOWN = 100

#: The session of a token and whose it is, by the values of `token_values`: asked by each request.
SIGNED_IN = (
    select(BrowserSession.id, BrowserSession.account_id, BrowserSession.last_seen_at, Account.email)
    .join(Account, Account.id == BrowserSession.account_id)
    .where(
        BrowserSession.token_hash == bindparam("token_hash"),
        BrowserSession.last_seen_at > bindparam("seen_after"),
    )
)


def token_values(token: str, *, now: datetime) -> dict[str, object]:
    """The values by which a statement finds a session that is not over: hash and oldest page."""
    return {"token_hash": token_hash(token), "seen_after": now - LIFE}


def begin(
    session: Session, *, account_id: UUID, password_hash: str, user_agent: str, now: datetime
) -> tuple[UUID, str] | None:
    """A new session's id and token; None where the account has another password by now, or is gone.

    The password is compared again: else a sign-in that began before a new one would outlive it.
    """
    account = session.get(Account, account_id, with_for_update=True, populate_existing=True)
    if account is None or account.password_hash != password_hash:
        return None
    token = new_token()
    called = "".join(letter for letter in user_agent if letter.isprintable())
    row = BrowserSession(
        id=uuid4(),
        account_id=account_id,
        token_hash=token_hash(token),
        created_at=now,
        last_seen_at=now,
        user_agent=called[:_MAX_USER_AGENT],
    )
    session.add(row)
    return row.id, token


def see(session: Session, *, session_id: UUID, now: datetime) -> None:
    """Note that a session asked for a page."""
    mine = update(BrowserSession).where(BrowserSession.id == session_id)
    session.execute(mine.values(last_seen_at=now))


def of_account(session: Session, *, account_id: UUID, now: datetime) -> list[BrowserSession]:
    """The account's sessions that are not over, the newest seen first."""
    mine = select(BrowserSession).where(
        BrowserSession.account_id == account_id, BrowserSession.last_seen_at > now - LIFE
    )
    order = (BrowserSession.last_seen_at.desc(), BrowserSession.created_at.desc())
    return list(session.scalars(mine.order_by(*order).limit(_MOST_SHOWN)))


def end(session: Session, *, account_id: UUID, session_id: UUID) -> bool:
    """End one of the account's sessions; False where it has none of that id."""
    mine = delete(BrowserSession).where(BrowserSession.account_id == account_id)
    return _count(session, mine.where(BrowserSession.id == session_id)) == 1


def end_all(session: Session, *, account_id: UUID, but: UUID | None = None) -> int:
    """End the account's sessions, all or all but one; how many there were."""
    mine = delete(BrowserSession).where(BrowserSession.account_id == account_id)
    return _count(session, mine if but is None else mine.where(BrowserSession.id != but))


def purge(session: Session, *, now: datetime, limit: int) -> int:
    """Delete at most `limit` sessions that have expired; returns how many it deleted."""
    over = select(BrowserSession.id).where(BrowserSession.last_seen_at <= now - LIFE).limit(limit)
    return _count(session, delete(BrowserSession).where(BrowserSession.id.in_(over)))


def _count(session: Session, statement: object) -> int:
    done = session.execute(statement.execution_options(synchronize_session=False))  # type: ignore[attr-defined]
    return done.rowcount if isinstance(done, CursorResult) else 0
