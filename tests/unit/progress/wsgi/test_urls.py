"""The URLs of streams: one rule for the framework's router and for the middleware before it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from werkzeug.routing import Map, Rule

from progress.wsgi.urls import FEED_RULE, JOB_RULE, StreamUrl, StreamUrls

PREFIXES = ["", "/shop", "/shop/", "/a.b/c+d"]
PATHS = [
    "/api/jobs/progress",
    f"/api/jobs/{uuid4()}/progress",
    "/api/jobs/a.b~c_d-1/progress",
    "/api/jobs/progress/progress",
    "/api/jobs",
    "/api/jobs/a",
    "/api/jobs/a/progress/",
    "/api/jobs//progress",
    "/api/jobs/a/b/progress",
    "/aXb/c+d/api/jobs/progress",
]


def routed(prefix: str, path: str) -> StreamUrl | None:
    """What werkzeug's router makes of a path."""
    at = prefix.rstrip("/")
    rules = [Rule(at + JOB_RULE, endpoint="job"), Rule(at + FEED_RULE, endpoint="feed")]
    adapter = Map(rules, merge_slashes=False).bind("localhost")
    if not adapter.test(path):
        return None
    _, found = adapter.match(path)
    return StreamUrl(found.get("job_id"))


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("under", PREFIXES)
def test_a_path_is_found_exactly_where_the_router_finds_it(prefix: str, under: str) -> None:
    urls = StreamUrls()
    urls.serve_under(prefix)
    for path in PATHS:
        asked = under.rstrip("/") + path
        assert urls.find(asked) == routed(prefix, asked), asked


def test_an_application_may_serve_streams_under_several_prefixes() -> None:
    urls = StreamUrls()
    assert urls.find("/a/api/jobs/progress") is None
    for prefix in ("/a", "/b"):
        urls.serve_under(prefix)
    assert urls.find("/a/api/jobs/x/progress") == urls.find("/b/api/jobs/x/progress")
    assert urls.find("/a/api/jobs/x/progress") == StreamUrl("x")
    assert urls.find("/api/jobs/x/progress") is None


@pytest.mark.parametrize("job_id", ["\xc3\xa9", "a b", "a\n", "%41"])
def test_an_id_that_needs_decoding_is_left_to_the_framework(job_id: str) -> None:
    urls = StreamUrls()
    urls.serve_under("")
    assert urls.find(f"/api/jobs/{job_id}/progress") is None
