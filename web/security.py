"""Headers that keep a page to itself, forgery protection and rate limits."""

from __future__ import annotations

from flask import Flask, Response
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

#: Everything from here, nothing inline, no frame around it.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

csrf = CSRFProtect()
#: A store that is gone must not lock people out: counted in memory meanwhile.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, in_memory_fallback=[])


def register(app: Flask) -> None:
    """Protect an application."""
    csrf.init_app(app)
    limiter.init_app(app)
    app.after_request(_headers)


def _headers(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Referrer-Policy", "same-origin")
    answer.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    answer.headers.setdefault("Permissions-Policy", "interest-cohort=()")
    return answer
