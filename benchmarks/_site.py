"""A site over a database, someone signed in, and every address that can be read there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tasks.settings import Settings
from web.app import create_app
from web.passwords import hash_password
from web.sessions import PUBLIC

from ._seed import Seeded

PASSWORD = "correct horse battery staple"

#: Routes that answer with neither a page nor JSON, those that only lead to another address, and
#: those that read a song's file: the library of a benchmark has none. Their one statement is that
#: of a song's samples, too.
_LEFT_OUT = frozenset(
    {
        *("static", "progress.script", "sources.former", "source_forms.form"),
        *("sounds.sound", "sounds.waveform"),
    }
)
#: Further queries of pages: one that finds much, one that finds nothing, one that is not ASCII.
_QUERIES = {
    "pages.library": (
        {"search": "night harbour"},
        {"search": "Übernacht"},
        {"liked": "yes"},
        {"search": "nowhere", "liked": "yes"},
    ),
    "review.queue": ({"artist": "Night Harbour"}, {"least": "90"}, {"queue": "misplaced"}),
    "progress.failures": ({"limit": "500"}, {"group": "reason"}),
    "api.list_jobs": ({"limit": "100"}, {"kind": "sync", "status": "failed"}),
}
_NEXT = re.compile(r'<a [^>]*rel="next" href="([^"]+)"')
_TOKEN = re.compile(r'name="csrf[-_]token"[^>]*(?:value|content)="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and the route that answers it."""

    route: str
    path: str
    browser: FlaskClient

    def read(self) -> bytes:
        """Ask for it, as JSON where the route has that; streams have it too."""
        answer = self.browser.get(
            self.path, headers={"Accept": "application/json, text/html;q=0.9"}
        )
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError(f"{self.path} answers {answer.status}: {answer.text[:200]}")
        return answer.data


def make_app(settings: Settings) -> Flask:
    """The site without its limits of rates."""
    return create_app(settings, has_rate_limits=False)


def seeded_hash() -> str:
    """The hash of `PASSWORD`."""
    return hash_password(PASSWORD)


def signed_in(app: Flask, email: str) -> FlaskClient:
    """A browser in which an account is signed in."""
    browser = app.test_client()
    token = _TOKEN.search(browser.get("/sign-in").text)
    assert token is not None
    form = {"email": email, "password": PASSWORD, "csrf_token": token[1]}
    answer = browser.post("/sign-in", data=form)
    if answer.status_code != HTTPStatus.SEE_OTHER:
        raise RuntimeError(f"The sign-in answers {answer.status}.")
    return browser


def addresses(app: Flask, seeded: Seeded, browser: FlaskClient) -> Iterator[Address]:
    """All that can be read with GET: each route plainly, with its queries, and a page further on.

    Raises:
        LookupError: a route has an argument for which there is nothing in the library.
    """
    for rule in app.url_map.iter_rules():
        name = rule.endpoint
        if "GET" not in (rule.methods or ()) or name in _LEFT_OUT:
            continue
        # The pages to sign in and up redirect a browser that has a session.
        reader = app.test_client() if name in PUBLIC else browser
        first = Address(name, _path(app, rule, seeded.ids), reader)
        yield first
        following = _following(first.read())
        if following is not None:
            yield Address(f"{name}, next page", following, reader)
        for query in _QUERIES.get(name, ()):
            text = urlencode(query)
            yield Address(f"{name}?{text}", f"{first.path}?{text}", reader)


def _path(app: Flask, rule: Rule, ids: dict[str, str]) -> str:
    unknown = rule.arguments - ids.keys()
    if unknown:
        raise LookupError(
            f"The route {rule.rule} has the argument {', '.join(unknown)}, for which the library "
            "of benchmarks/_seed.py has nothing: add it there to the ids."
        )
    with app.test_request_context():
        built = rule.build({name: ids[name] for name in rule.arguments})
    assert built is not None
    return built[1]


def _following(body: bytes) -> str | None:
    """The address of the next page that a page or a JSON document names."""
    text = body.decode()
    found = _NEXT.search(text) or re.search(r'"next": ?"([^"]+)"', text)
    return found[1].replace("&amp;", "&") if found else None
