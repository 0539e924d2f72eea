"""Who is signed in. Every endpoint asks for a session, but for the few that are public."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING
from uuid import UUID

from flask import Flask, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, bytes_to_int
from werkzeug.http import parse_cookie

from library import accounts
from library.models import Account
from progress.errors import LogUnavailable
from progress.log import Log

from .problems import is_api, problem
from .services import services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

#: The endpoints that answer without a session. A new one is not public by being forgotten.
PUBLIC = frozenset({"static", "accounts.sign_in", "accounts.sign_up"})

#: A page renews a session that is as old; it lasts for a month.
RENEW_SECONDS = 24 * 3600.0


class SignedIn(UserMixin):  # type: ignore[misc] # Flask-Login is untyped
    """The account of the present session."""

    def __init__(self, account_id: UUID, email: str, version: int) -> None:
        self.account_id = account_id
        self.email = email
        self._version = version

    def get_id(self) -> str:
        """What the session holds: the account, and the version that a new password ends."""
        return f"{self.account_id}:{self._version}"


class PageSessions(SecureCookieSessionInterface):
    """Sessions that a page renews, once a day: to sign one anew costs a tenth of a page.

    What a page's programs ask for, streams above all, renews none.
    """

    #: The same as Flask's. By its name it is computed in C, which takes half the time.
    digest_method = "sha1"  # type: ignore[assignment] # `hmac.new` takes both
    _serializer: URLSafeTimedSerializer | None = None
    _signer: TimestampSigner | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """As Flask's, which makes it anew for each request: the keys do not change."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
            if self._serializer is not None:
                made = self._serializer.make_signer(self._serializer.salt)
                self._signer = made if isinstance(made, TimestampSigner) else None
        return self._serializer

    def session_id(self, app: Flask, environ: WSGIEnvironment) -> str | None:
        """What Flask-Login put into the session of a request that Flask has not seen."""
        cookie = parse_cookie(environ).get(self.get_cookie_name(app))
        serializer = self.get_signing_serializer(app)
        if not cookie or serializer is None or self._signer is None:
            return None
        max_age_seconds = int(app.permanent_session_lifetime.total_seconds())
        try:
            # As `serializer.loads`, which makes a signer each time.
            session = serializer.load_payload(self._signer.unsign(cookie, max_age=max_age_seconds))
        except BadSignature:
            return None
        found: str | None = session.get("_user_id")
        return found

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether the answer brings the session's cookie."""
        if session.modified:
            return True
        is_due = not is_api() and self._age_seconds(app) >= RENEW_SECONDS
        return is_due and super().should_set_cookie(app, session)

    def _age_seconds(self, app: Flask) -> float:
        """How long ago the cookie of the request was signed; it was found good when it came."""
        _, signed_at, _ = request.cookies[self.get_cookie_name(app)].rsplit(".", 2)
        return time.time() - bytes_to_int(base64_decode(signed_at))


def register(app: Flask) -> None:
    """Have an application know its accounts. Before anything else that looks at a request."""
    app.session_interface = PageSessions()
    manager = LoginManager(app)
    # It would compare addresses, and believe any X-Forwarded-For.
    manager.session_protection = None
    manager.user_loader(_load)
    app.before_request(_require_session)


def begin(account: Account) -> None:
    """Sign in, with a session that has nothing of the one before."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(account.id, account.email, account.session_version))


def end() -> None:
    """Sign out, and end the account's streams wherever they are served."""
    account = present_account()
    logout_user()
    if account is not None:
        end_streams(services().log, account)


def end_streams(log: Log, account: str) -> None:
    """Have an account's streams ended: each asks for a session when it comes back.

    While the log's server is gone nothing is streamed; when it is there again, every stream
    has to come back.
    """
    try:
        log.revoke(account)
    except LogUnavailable as error:
        logger.warning("%s", error, extra={"action": "revoke_failed"})


def account_id() -> UUID:
    """Whose request this is, where a session is required."""
    found: UUID = current_user.account_id
    return found


def present_account() -> str | None:
    """Whose request this is, or None."""
    return str(account_id()) if current_user.is_authenticated else None


def claimed(app: Flask, environ: WSGIEnvironment) -> tuple[UUID, str] | None:
    """The account that a request's session is of, and the version that must be its present one."""
    found = app.session_interface
    session_id = found.session_id(app, environ) if isinstance(found, PageSessions) else None
    return None if session_id is None else _parse(session_id)


def _parse(session_id: str) -> tuple[UUID, str]:
    key, _, version = session_id.partition(":")
    return UUID(key), version


def _load(session_id: str) -> SignedIn | None:
    account_id, version = _parse(session_id)
    found = services().database.row(accounts.IDENTITY, account_id=account_id)
    if found is None or str(found.session_version) != version:
        return None
    return SignedIn(account_id, found.email, found.session_version)


def _require_session() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in PUBLIC or current_user.is_authenticated:
        return None
    if is_api():
        return problem(401, "Sign in first.")
    # What was sent with a POST is gone after signing in, and its address shows nothing.
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", next=back), 303)
