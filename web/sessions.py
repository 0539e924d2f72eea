"""Who is signed in. Every endpoint asks for a session, but for the few that are public."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy.exc import SQLAlchemyError

from library import sessions as rows
from library.models import Account, utc_now
from progress.errors import LogUnavailable
from progress.log import SupportsRevocation

from .cookies import SessionCookie
from .problems import is_api, problem
from .services import services

logger = logging.getLogger(__name__)

#: The endpoints that answer without a session. A new one is not public by being forgotten.
PUBLIC = frozenset(
    {"static", "accounts.sign_in", "accounts.sign_up", "health.alive", "health.ready"}
)


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc] # Flask-Login is untyped
    """The present session and whose it is."""

    account_id: UUID
    email: str
    session_id: UUID
    last_seen_at: datetime
    #: Told to nobody but its browser.
    token: str

    def get_id(self) -> str:
        """What the cookie holds."""
        return self.token


def register(app: Flask) -> None:
    """Have an application know its accounts. Before anything else that looks at a request."""
    app.session_interface = SessionCookie()
    manager = LoginManager(app)
    # It would compare addresses, and believe any X-Forwarded-For.
    manager.session_protection = None
    manager.user_loader(_load)
    app.before_request(_require_session)


def begin(account: Account) -> bool:
    """Sign in, with a session that has nothing of the one before.

    False where the account has got another password since it was looked at.
    """
    now = utc_now()
    with services().database.session() as database:
        begun = rows.begin(
            database,
            account_id=account.id,
            password_hash=account.password_hash,
            user_agent=request.user_agent.string,
            now=now,
        )
    if begun is None:
        return False
    session_id, token = begun
    session.clear()
    session.permanent = True
    login_user(SignedIn(account.id, account.email, session_id, now, token))
    return True


def end() -> None:
    """Sign out: the session is over whoever has a copy of its cookie, and so are its streams."""
    end_one(current_user.session_id)
    logout_user()


def end_one(session_id: UUID) -> bool:
    """End one of the present account's sessions; False where it has none of that id."""
    with services().database.session() as database:
        was_one = rows.end(database, account_id=account_id(), session_id=session_id)
    end_streams(services().log, str(account_id()))
    return was_one


def end_all() -> None:
    """Sign out everywhere."""
    with services().database.session() as database:
        rows.end_all(database, account_id=account_id())
    end_streams(services().log, str(account_id()))
    logout_user()


def end_streams(log: SupportsRevocation, account: str) -> bool:
    """Have an account's streams ended: each asks for a session when it comes back.

    False where the log's server is gone. The site then streams nothing; when it is there again,
    every stream has to come back.
    """
    try:
        log.revoke(account)
    except LogUnavailable as error:
        logger.warning("%s", error, extra={"action": "revoke_failed"})
        return False
    return True


def account_id() -> UUID:
    """Whose request this is, where a session is required."""
    found: UUID = current_user.account_id
    return found


def present_account() -> str | None:
    """Whose request this is, or None."""
    return str(account_id()) if current_user.is_authenticated else None


def present_token() -> str | None:
    """The token of the session of this request, or None."""
    return current_user.token if current_user.is_authenticated else None


def _load(token: str) -> SignedIn | None:
    values = rows.token_values(token, now=utc_now())
    row = services().database.row(rows.SIGNED_IN, **values)
    if row is None:
        return None
    return SignedIn(row.account_id, row.email, row.id, row.last_seen_at, token)


def _require_session() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in PUBLIC:
        return None
    if current_user.is_authenticated:
        _note_seen()
        return None
    if is_api():
        return problem(401, "Sign in first.")
    # What was sent with a POST is gone after signing in, and its address shows nothing.
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", next=back), 303)


def _note_seen() -> None:
    """Write down that a page was asked for, once an hour. What pages' programs ask for is none."""
    now = utc_now()
    if is_api() or now - current_user.last_seen_at < rows.SEEN_EVERY:
        return
    try:
        with services().database.session() as database:
            rows.see(database, session_id=current_user.session_id, now=now)
    except SQLAlchemyError as error:
        # A page that only reads does not fail for it.
        logger.warning("A session was not renewed: %s", error, extra={"action": "see_failed"})
