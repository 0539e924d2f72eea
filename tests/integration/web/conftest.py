"""The site with a real database and a real server, and no worker: jobs stay as they were sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from library import accounts
from progress.limits import StreamLimits
from tasks.factory import create_celery
from tasks.runtime import Runtime
from tasks.settings import Settings
from tests.integration.web.served import Served, serve
from tests.servers import Server
from web import passwords
from web.app import create_app

PASSWORD = "correct horse battery staple"
#: Earmark's own takes a tenth of a second of the processor each time, and is meant to.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD_HASH = QUICK_HASHER.hash(PASSWORD)


@dataclass(frozen=True)
class Site:
    """One application and what it stands on."""

    app: Flask
    runtime: Runtime

    def client(self) -> FlaskClient:
        """A browser without a session, at an address of its own."""
        browser = self.app.test_client()
        browser.environ_base["REMOTE_ADDR"] = str(IPv6Address(uuid4().int))
        return browser

    def account(self) -> tuple[UUID, str]:
        """A new account's id and e-mail address; its password is `PASSWORD`."""
        email = f"{uuid4().hex}@example.org"
        with self.runtime.database.session() as session:
            account = accounts.create(session, email=email, password_hash=PASSWORD_HASH)
            return account.id, email

    def person(self) -> Person:
        """A new account's browser, signed in."""
        account_id, email = self.account()
        person = Person(self.client(), account_id, email)
        assert person.sign_in().status_code == 303
        return person


@dataclass(frozen=True)
class Person:
    """An account and its browser."""

    browser: FlaskClient
    account_id: UUID
    email: str

    def sign_in(self, password: str = PASSWORD, path: str = "/sign-in") -> TestResponse:
        return submit(self.browser, path, email=self.email, password=password)

    def submit(self, path: str, **fields: str) -> TestResponse:
        """Send a form to a path, with the token of the start page."""
        return submit(self.browser, path, page="/", **fields)

    def post(self, path: str, **request: object) -> TestResponse:
        """Send a request to the API as a page's script does."""
        return self.send("POST", path, **request)

    def send(self, method: str, path: str, **request: object) -> TestResponse:
        """Send a request of any method as a page's script does."""
        headers = {"X-CSRFToken": token(self.browser, "/"), **request.pop("headers", {})}
        return self.browser.open(path, method=method, headers=headers, **request)

    def start(self, kind: str, **headers: str) -> TestResponse:
        return self.post("/api/jobs", json={"kind": kind}, headers=headers)


def token(browser: FlaskClient, page: str) -> str:
    """The forgery-protection token that a page holds."""
    found = re.search(
        r'name="csrf[-_]token"[^>]*(?:value|content)="([^"]+)"', browser.get(page).text
    )
    assert found is not None, page
    return found[1]


def submit(browser: FlaskClient, path: str, page: str | None = None, **fields: str) -> TestResponse:
    """Send a form as a browser does: with the token of the page it is on."""
    return browser.post(path, data=fields | {"csrf_token": token(browser, page or path)})


@pytest.fixture(scope="package", autouse=True)
def own_hasher() -> Iterator[PasswordHasher]:
    """Have passwords hashed in no time, since hundreds are; Earmark's own hasher."""
    own = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", QUICK_HASHER)
        patch.setattr(passwords, "_NOBODYS_HASH", QUICK_HASHER.hash("nobody has this password"))
        yield own


@pytest.fixture(scope="session")
def make_site(
    valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Site]]:
    """Makes sites; each has a database of its own."""
    made: list[Site] = []

    def make(
        *,
        redis_url: str | None = None,
        secure: bool = False,
        limits: bool = False,
        streamer: str = "",
        **environment: str,
    ) -> Site:
        settings = Settings.from_environ(
            {
                "EARMARK_DATA": str(tmp_path_factory.mktemp("site")),
                "EARMARK_SECURE_COOKIES": "yes" if secure else "no",
                # Not the database that other tests' worker takes its tasks from.
                "REDIS_URL": redis_url or f"{valkey_server.tcp_url.removesuffix('/0')}/1",
                "SECRET_KEY": "for tests",
                "EARMARK_STREAMER": streamer,
                "EARMARK_SIGN_UP": "open",
                **environment,
            }
        )
        celery = create_celery(settings)
        streams = StreamLimits(keep_alive_seconds=0.2, life_seconds=2)
        app = create_app(settings, celery=celery, limits=streams, has_rate_limits=limits)
        made.append(Site(app, celery.runtime))
        made[-1].runtime.database.migrate()
        return made[-1]

    yield make
    for site in made:
        site.runtime.close()


@pytest.fixture(scope="session")
def site(make_site: Callable[..., Site]) -> Site:
    """The site that all tests share; each has accounts of its own, beside the first one."""
    shared = make_site()
    shared.account()
    return shared


@pytest.fixture
def ada(site: Site) -> Person:
    """Someone who is signed in."""
    return site.person()


@pytest.fixture
def anyone(site: Site) -> FlaskClient:
    """Someone who is not."""
    return site.client()


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for an account to have."""
    return tmp_path_factory.mktemp("music")


@pytest.fixture(scope="session")
def one_thread(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The site under a gunicorn whose one thread answers all requests."""
    with serve(
        valkey_server, tmp_path_factory.mktemp("served"), GUNICORN_CMD_ARGS="--threads=1"
    ) as found:
        yield found
