"""Security headers of all answers, and protection against forged requests."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect

#: A page loads everything from this site, runs nothing inline, and stands in no frame.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # The client draws the page's icon as far as the job is.
        "img-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self'",
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
_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


def register(app: Flask) -> None:
    """Protect an application."""
    CSRFProtect(app)
    sent = headers(app)

    @app.after_request
    def add(answer: Response) -> Response:
        if "Location" in answer.headers:
            answer.headers["Location"] = relative(answer.headers["Location"])
        for name, value in sent.items():
            answer.headers.setdefault(name, value)
        if request.endpoint != "static":
            # The next person at the same browser must not see an account's pages.
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer


def relative(location: str) -> str:
    """The target of a redirect, as a path of this site.

    The site leads nowhere else. Routing makes some of its redirects of the `Host` that was asked
    for, which a stranger chooses: a cache or a link in a mail could have others follow it.
    """
    parts = urlsplit(location)
    if not parts.scheme and not parts.netloc:
        return location
    # Two slashes in front would name a host.
    path = "/" + parts.path.lstrip("/\\")
    return urlunsplit(("", "", path, parts.query, parts.fragment))


def headers(app: Flask) -> dict[str, str]:
    """The headers that every answer of an application has."""
    return _HEADERS | (_HTTPS if app.config["SESSION_COOKIE_SECURE"] else {})
