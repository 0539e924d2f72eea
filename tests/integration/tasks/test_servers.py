"""The checks of the database and Redis before a process begins, each with a real server."""

from __future__ import annotations

import logging
import os
from contextlib import closing
from pathlib import Path

import pytest

from library.database import Database
from tasks import servers, startup
from tasks.servers import look_at_database, look_at_redis
from tasks.settings import Settings
from tests.servers import Server, free_port, valkey

SECRET = "hunter2"


def redis_at(url: str) -> Settings:
    return Settings.from_environ({"REDIS_URL": url})


def test_a_server_that_fits_is_found_to_be_well(valkey_server: Server, tmp_path: Path):
    settings = Settings.from_environ(
        {"REDIS_URL": valkey_server.tcp_url, "EARMARK_DATA": str(tmp_path)}
    )
    database = Database(settings.database_url)
    database.migrate()
    database.close()
    assert look_at_redis(settings) is None
    assert look_at_database(settings) is None


@pytest.mark.parametrize(
    ("memory", "policy", "is_found"),
    [("64mb", "allkeys-lru", True), ("64mb", "noeviction", False), ("0", "allkeys-lru", False)],
)
def test_a_server_that_may_evict_is_a_warning(memory, policy, is_found):
    with valkey("--maxmemory", memory, "--maxmemory-policy", policy) as server:
        finding = look_at_redis(redis_at(server.tcp_url))
    assert (finding is not None) == is_found
    if finding is not None:
        assert not finding.is_final
        assert "maxmemory-policy is allkeys-lru" in finding.sentence


def test_a_server_that_is_too_old_is_refused(monkeypatch, valkey_server):
    monkeypatch.setattr(servers, "OLDEST_REDIS", (99, 1))
    finding = look_at_redis(redis_at(valkey_server.tcp_url))
    assert finding is not None
    assert finding.is_final
    assert "Earmark needs 99.1 or newer" in finding.sentence


def test_a_wrong_password_and_a_wrong_database_are_refused(valkey_server):
    with valkey("--user", "ada", "on", f">{SECRET}", "~*", "&*", "+@all", "-info") as server:
        place = server.tcp_url.removeprefix("redis://").removesuffix("/0")
        for url, part, is_final in (
            (f"redis://ada:wrong-{SECRET}@{place}/0", "refuses the user or the password", True),
            (f"redis://ada:{SECRET}@{place}/0", "does not let this user ask for INFO", False),
            (f"redis://{place}/99", "refuses the connection (DB index is out of range)", True),
        ):
            finding = look_at_redis(redis_at(url))
            assert finding is not None
            assert part in finding.sentence
            assert finding.is_final is is_final
            assert SECRET not in finding.sentence


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_server_that_cannot_be_reached_is_waited_for(scheme):
    port = free_port()
    finding = look_at_redis(redis_at(f"{scheme}://:{SECRET}@127.0.0.1:{port}/0"))
    assert finding is not None
    assert not finding.is_final
    assert f"The Redis server at 127.0.0.1:{port} cannot be reached (Connection refused)" in (
        finding.sentence
    )
    assert SECRET not in finding.sentence


def test_a_server_without_tls_is_said_to_be_one(valkey_server):
    url = valkey_server.tcp_url.replace("redis://", "rediss://")
    finding = look_at_redis(redis_at(url))
    assert finding is not None
    assert "TLS" in finding.sentence


@pytest.mark.parametrize(
    ("url", "part", "is_final"),
    [
        (f"postgres://ada:{SECRET}@127.0.0.1:1/earmark", "Connection refused", False),
        ("sqlite:////nowhere/earmark.db", "unable to open database file", True),
        ("sqlite://", "has no tables yet: run earmark migrate first", True),
    ],
)
def test_a_database_that_is_of_no_use_is_told_without_its_password(url, part, is_final):
    finding = look_at_database(Settings.from_environ({"DATABASE_URL": url}))
    assert finding is not None
    assert part in finding.sentence
    assert finding.is_final is is_final
    assert finding.sentence.count("\n") == 0
    assert SECRET not in finding.sentence


def test_a_database_that_is_too_old_is_refused(monkeypatch):
    monkeypatch.setattr(servers, "OLDEST_SQLITE", (99, 1))
    finding = look_at_database(Settings.from_environ({"DATABASE_URL": "sqlite://"}))
    assert finding is not None
    assert finding.is_final
    assert "SQLite 3." in finding.sentence
    assert "99.1" in finding.sentence


def test_a_process_says_what_heals_and_ends_at_what_does_not(caplog, capsys):
    settings = Settings.from_environ(
        {"REDIS_URL": f"redis://127.0.0.1:{free_port()}", "DATABASE_URL": "sqlite://"}
    )
    with caplog.at_level(logging.WARNING), pytest.raises(SystemExit) as ended:
        startup.look_around(settings)
    assert ended.value.code == 2
    assert "cannot be reached" in caplog.text
    assert capsys.readouterr().err == (
        "earmark: The database has no tables yet: run earmark migrate first.\n"
    )


def test_a_music_root_that_is_not_there_is_said_and_ends_nothing(tmp_path, caplog):
    (tmp_path / "music").mkdir()
    roots = os.pathsep.join([str(tmp_path / "music"), str(tmp_path / "nas")])
    url = f"sqlite:///{tmp_path / 'earmark.db'}"
    settings = Settings.from_environ(
        {
            "DATABASE_URL": url,
            "EARMARK_MUSIC_ROOTS": roots,
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
        }
    )
    with closing(Database(url)) as database:
        database.migrate()
    with caplog.at_level(logging.WARNING):
        startup.look_around(settings)
    said = [record.getMessage() for record in caplog.records]
    assert sum("EARMARK_MUSIC_ROOTS" in line for line in said) == 1
    assert said[0].startswith(f"The folder {tmp_path}/nas of EARMARK_MUSIC_ROOTS cannot be opened")
