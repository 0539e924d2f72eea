"""The scripts that the blueprint serves: for all pages, kept while they are the same."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

import progress
from progress.flask import create_blueprint
from progress.memory import MemoryLog

FILE = Path(progress.__file__).parent / "static" / "job-progress.js"


def site(prefix: str | None = None) -> Flask:
    """A site where nobody is signed in."""
    app = Flask(__name__)
    blueprint = create_blueprint(MemoryLog(), authorize=lambda _: None, account=lambda: None)
    app.register_blueprint(blueprint, url_prefix=prefix)

    @app.get("/api/jobs/<job_id>")
    def job(job_id: str) -> str:
        return f"job {job_id}"

    return app


@pytest.fixture
def client() -> FlaskClient:
    return site().test_client()


def test_the_script_is_served_to_pages_of_any_origin(client: FlaskClient) -> None:
    answer = client.get("/api/jobs/job-progress.js")
    assert (answer.status_code, answer.data) == (200, FILE.read_bytes())
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/api/jobs/other").text == "job other"


def test_a_copy_is_kept_while_the_script_is_the_same(client: FlaskClient) -> None:
    first = client.get("/api/jobs/job-progress.js")
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = client.get(
        "/api/jobs/job-progress.js", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/api/jobs/job-progress.js", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize("prefix", [None, "/shop"])
def test_the_url_that_a_template_gets_may_be_kept_for_ever(prefix: str | None) -> None:
    app = site(prefix)
    with app.test_request_context():
        url = url_for("progress.script", name="job-progress")
    assert url.startswith(f"{prefix or ''}/api/jobs/job-progress.js?v=")
    client = app.test_client()
    answer = client.get(url)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.data == FILE.read_bytes()
    # The next version has another URL, and a page that was kept too long gets it all the same.
    assert client.get(url + "0").headers["Cache-Control"] == "public, no-cache"


def test_the_script_is_compressed_where_that_is_asked_for(client: FlaskClient) -> None:
    answer = client.get("/api/jobs/job-progress.js", headers={"Accept-Encoding": "gzip"})
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == (
        "gzip",
        "Accept-Encoding",
    )
    assert gzip.decompress(answer.data) == FILE.read_bytes()


@pytest.mark.parametrize("name", ["other", "..%2Fflask%2F__init__", "job-progress.min"])
def test_there_is_no_other_script(client: FlaskClient, name: str) -> None:
    assert client.get(f"/api/jobs/{name}.js").status_code == 404
