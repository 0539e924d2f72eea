"""Sessions of requests. Every endpoint needs one, but for the few that are public."""

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

#: The endpoints that answer without a session. A new endpoint needs one unless it is added here.
PUBLIC = frozenset(
    {
        "static",
        "accounts.sign_in",
        "accounts.sign_up",
        "health.alive",
        "health.ready",
        "progress.script",
    }
)


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc] # Flask-Login is untyped
    """The present session and its account."""

    account_id: UUID
    email: str
    session_id: UUID
    last_seen_at: datetime
    #: A secret of the browser: no page and no log tells it.
    token: str

    def get_id(self) -> str:
        """The token, which Flask-Login keeps in the cookie."""
        return self.token


def register(app: Flask) -> None:
    """Have an application look up sessions. Call it before all else that looks at a request."""
    app.session_interface = SessionCookie()
    manager = LoginManager(app)
    # Flask-Login's own protection compares addresses, and believes any X-Forwarded-For.
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
    """Sign out: delete the session's row, which ends copies of its cookie and its streams too."""
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
    """The account of this request, where a session is required."""
    found: UUID = current_user.account_id
    return found


def present_account() -> str | None:
    """The account of this request, or None where it has no session."""
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
    # A form's values are lost by signing in, and the address of a POST has no page.
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", next=back), 303)


def _note_seen() -> None:
    """Note that a session asked for a page, once an hour. Requests of scripts do not count."""
    now = utc_now()
    if is_api() or now - current_user.last_seen_at < rows.SEEN_EVERY:
        return
    try:
        with services().database.session() as database:
            rows.see(database, session_id=current_user.session_id, now=now)
    except SQLAlchemyError as error:
        # A page that only reads does not fail for it.
        logger.warning("A session was not renewed: %s", error, extra={"action": "see_failed"})
