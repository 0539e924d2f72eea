"""The session's cookie: signed by Flask, renewed by pages, also read before Flask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, bytes_to_int
from werkzeug.http import parse_cookie

from .problems import is_api

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: A page renews a cookie that is at least this old.
RENEW_SECONDS = 24 * 3600.0


class SessionCookie(SecureCookieSessionInterface):
    """A cookie that a page renews, once a day: to sign one anew costs a tenth of a page.

    Requests of a page's script, streams above all, renew none.
    """

    #: Flask's own digest, by its name: `hmac` then computes it in C, in half the time.
    digest_method = "sha1"  # type: ignore[assignment] # `hmac.new` takes both
    _serializer: URLSafeTimedSerializer | None = None
    _signer: TimestampSigner | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Flask's serializer, made once: the keys do not change. Flask makes one each request."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
            if self._serializer is not None:
                made = self._serializer.make_signer(self._serializer.salt)
                self._signer = made if isinstance(made, TimestampSigner) else None
                # The keys are derived once; a signer derives them anew for each cookie.
                made.secret_keys = [made.derive_key(key) for key in made.secret_keys]
                made.key_derivation = "none"
        return self._serializer

    def token(self, app: Flask, environ: WSGIEnvironment) -> str | None:
        """The session's token in the cookie of a request that Flask has not seen."""
        cookie = parse_cookie(environ).get(self.get_cookie_name(app))
        serializer = self.get_signing_serializer(app)
        if not cookie or serializer is None or self._signer is None:
            return None
        max_age_seconds = int(app.permanent_session_lifetime.total_seconds())
        try:
            # As `serializer.loads`, which makes a signer each time.
            held = serializer.load_payload(self._signer.unsign(cookie, max_age=max_age_seconds))
        except BadSignature:
            return None
        # Where Flask-Login puts it.
        found: str | None = held.get("_user_id")
        return found

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether the answer brings the cookie."""
        if session.modified:
            return True
        is_due = not is_api() and self._age_seconds(app) >= RENEW_SECONDS
        return is_due and super().should_set_cookie(app, session)

    def _age_seconds(self, app: Flask) -> float:
        """How long ago the cookie of the request was signed; it was found good when it came."""
        _, signed_at, _ = request.cookies[self.get_cookie_name(app)].rsplit(".", 2)
        return time.time() - bytes_to_int(base64_decode(signed_at))


def token_of(app: Flask, environ: WSGIEnvironment) -> str | None:
    """The session's token in the cookie of a request, which need not be within Flask's."""
    found = app.session_interface
    return found.token(app, environ) if isinstance(found, SessionCookie) else None
