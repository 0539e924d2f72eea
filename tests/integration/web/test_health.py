"""What `/healthz` and `/readyz` answer while all is well, and while servers are away."""

from __future__ import annotations

import json
import logging
import threading
import time

import pytest
from sqlalchemy import text

from tests.servers import valkey
from web import health
from web.health import Part, ask


def answer(site, path="/readyz", **request):
    found = site.app.test_client().get(path, **request)
    assert "Set-Cookie" not in found.headers
    return found.status_code, json.loads(found.data)


@pytest.fixture
def forgetful(monkeypatch):
    """Every answer is asked for anew."""
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 0)


def test_a_site_that_is_well_says_so_without_a_session_or_a_limit(make_site):
    site = make_site(limits=True)
    for _ in range(100):
        assert answer(site, "/healthz") == (200, {"status": "ok"})
        assert answer(site) == (
            200,
            {"status": "ok", "database": "ok", "migrations": "ok", "log": "ok"},
        )


def test_a_session_is_not_renewed_by_it(make_site):
    site = make_site()
    person = site.person()
    assert "Set-Cookie" not in person.browser.get("/readyz").headers


def test_a_log_that_is_away_is_named_and_nothing_of_why(make_site, forgetful, caplog):
    with valkey() as server:
        site = make_site(redis_url=server.tcp_url)
        assert answer(site)[0] == 200
        server.kill()
        status, said = answer(site)
        assert status == 503
        assert said == {
            "status": "unavailable",
            "database": "ok",
            "migrations": "ok",
            "log": "unavailable",
        }
        assert answer(site, "/healthz") == (200, {"status": "ok"})
        server.start()
        assert answer(site)[0] == 200
    assert [r.message for r in caplog.records if r.name == "web.health"] == ["Not ready: log."]


def test_tables_of_another_revision_are_not_ready_unless_they_allow_this_code(make_site, forgetful):
    site = make_site()

    def set_revision(revision, oldest):
        with site.runtime.database.session() as session:
            statement = "UPDATE alembic_version SET version_num = :revision, oldest_code = :oldest"
            session.execute(text(statement), {"revision": revision, "oldest": oldest})

    for revision, oldest, status in (
        ("0002", "0001", 503),
        ("9999", "9998", 503),
        ("9997", "0001", 200),
    ):
        set_revision(revision, oldest)
        found, said = answer(site)
        assert (found, said["migrations"] == "ok") == (status, status == 200), revision
        assert said["database"] == "ok"


def test_an_answer_is_remembered_for_a_second():
    asked, now = [], [100.0]
    part = Part("database", lambda: asked.append(1), clock=lambda: now[0])
    for _ in range(50):
        assert ask([part]) == {"database": True}
    assert len(asked) == 1
    now[0] += 1
    assert ask([part]) == {"database": True}
    assert len(asked) == 2


def test_a_part_that_hangs_is_not_well_and_is_asked_once(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 0)
    going, asked = threading.Event(), []

    def hang():
        asked.append(1)
        going.wait(10)

    parts = [Part("database", hang), Part("log", lambda: None)]
    began = time.monotonic()
    for _ in range(5):
        assert ask(parts) == {"database": False, "log": True}
    assert len(asked) == 1
    assert time.monotonic() - began < 5
    going.set()
    parts[0]._asking.join()
    assert ask(parts) == {"database": True, "log": True}


def test_the_log_says_what_is_wrong(caplog):
    def fail():
        raise OSError("connection refused at db.internal")

    with caplog.at_level(logging.WARNING):
        assert ask([Part("database", fail)]) == {"database": False}
    assert "db.internal" in caplog.text
