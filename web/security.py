"""What a browser is told to hold a page to, and forgery protection."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect

#: Everything from here, nothing inline, no frame around it.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # The client draws the page's icon as far as the job is.
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HTTPS_ONLY = "max-age=31536000"


def register(app: Flask) -> None:
    """Protect an application."""
    CSRFProtect(app)
    app.after_request(_headers)
    if app.config["SESSION_COOKIE_SECURE"]:
        app.after_request(_https_only)


def _headers(answer: Response) -> Response:
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    if request.endpoint != "static":
        # What an account has is for nobody who comes to the same browser later.
        answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _https_only(answer: Response) -> Response:
    answer.headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
    return answer
