"""The benchmark of the library asks every route and its rows are whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._seed import Seeded, Size, seed
from benchmarks._site import addresses, make_app, seeded_hash, signed_in
from library.database import Database
from tasks.settings import Settings
from tests.servers import Server

ROOT = Path(__file__).parents[3]
TINY = Size(songs=60, liked=30, playlists=3, entries_each=3, proposals=5, jobs=3, failures=3)


def test_its_rows_are_whole_and_tell_every_page_and_json_read() -> None:
    order = [sys.executable, "-m", "benchmarks.library", "--quick", "--database", "sqlite"]
    run = subprocess.run(order, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    for row in rows:
        assert list(row) == ["bench", "database", "route", "p95_ms", "cpu_ms", "kb"]
        assert (row["bench"], row["database"]) == ("library", "sqlite")
    routes = {row["route"] for row in rows}
    assert {"pages.start", "pages.library, next page", "api.list_jobs", "progress.job"} <= routes
    assert "static" not in routes
    assert run.stderr.count("| sqlite |") == len(rows)


def test_a_route_for_which_the_library_has_nothing_is_told(
    valkey_server: Server, tmp_path: Path
) -> None:
    settings = Settings.from_environ(
        {
            "EARMARK_DATA": str(tmp_path),
            "REDIS_URL": valkey_server.tcp_url,
            "SECRET_KEY": "for tests",
            "EARMARK_SIGN_UP": "open",
        }
    )
    database = Database(settings.database_url)
    database.migrate()
    seeded: Seeded = seed(database, TINY, password_hash=seeded_hash())
    app = make_app(settings)
    app.add_url_rule("/albums/<album_id>", "pages.album", lambda album_id: album_id)
    browser = signed_in(app, seeded.email)
    with pytest.raises(LookupError, match=r"/albums/<album_id> has the argument album_id"):
        list(addresses(app, seeded, browser))
    database.close()
