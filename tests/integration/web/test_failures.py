"""All failures of a job, by the API, as a table and on a page."""

from __future__ import annotations

import csv
import io
import re

import pytest

from benchmarks._seed import Seeded, Size, seed
from tests.integration.web.conftest import PASSWORD_HASH, Person, Site

SIZE = Size(
    songs=1, liked=0, playlists=3, entries_each=0, proposals=0, jobs=2, failures=1_200
)  # fmt: skip


@pytest.fixture(scope="module")
def seeded(site: Site) -> Seeded:
    return seed(site.runtime.database, SIZE, password_hash=PASSWORD_HASH, name="failures")


@pytest.fixture(scope="module")
def person(site: Site, seeded: Seeded) -> Person:
    found = Person(site.client(), seeded.account_id, seeded.email)
    assert found.sign_in().status_code == 303
    return found


@pytest.fixture(scope="module")
def path(person: Person, seeded: Seeded) -> str:
    job = person.browser.get(f"/api/jobs/{seeded.ids['job_id']}").json
    return job["links"]["failures"]


def test_the_api_leads_to_all_of_them(person: Person, path: str) -> None:
    found, link = [], f"{path}?limit=500"
    while link:
        answer = person.browser.get(link)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json["total"] == 1_200
        found += answer.json["failures"]
        link = answer.json["links"]["next"]
    assert len({failure["itemId"] for failure in found}) == len(found) == 1_200
    assert found[0]["at"] == "2026-11-25T12:00:00.000Z"


def test_the_api_groups_them_by_reason(person: Person, path: str) -> None:
    reasons = person.browser.get(f"{path}?group=reason").json["reasons"]
    assert [group["count"] for group in reasons] == [30] * 40


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "after=x", "after=-1", "after=" + "9" * 30]
)
def test_a_query_that_cannot_be_used_is_refused_with_a_sentence(
    person: Person, path: str, query: str
) -> None:
    answer = person.browser.get(f"{path}?{query}")
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"].startswith(f"{query.partition('=')[0]} must be")


def test_the_table_has_all_of_them_and_is_sent_in_pieces(person: Person, path: str) -> None:
    answer = person.browser.get(f"{path}?format=csv", buffered=False)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="failures-')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    pieces = list(answer.iter_encoded())
    assert len(pieces) == 4
    rows = list(csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig"))))
    assert len(rows) == 1_201


def test_the_page_of_the_job_says_how_many_there_are_and_where(
    person: Person, seeded: Seeded
) -> None:
    page = person.browser.get(f"/jobs/{seeded.ids['job_id']}").text
    assert "20 of 1,200" in page
    assert f'href="/jobs/{seeded.ids["job_id"]}/failures"' in page
    # Its log is gone long since: the rows know the newest.
    shown = re.findall(r"<li><strong>", page)
    assert len(shown) == 20


def test_the_page_shows_the_items_of_one_reason(person: Person, seeded: Seeded) -> None:
    page = person.browser.get(f"/jobs/{seeded.ids['job_id']}/failures").text
    links = re.findall(r'href="(/jobs/[^"]+reason=[^"]+)"', page)
    assert len(links) == 40
    one = person.browser.get(links[0].replace("&amp;", "&")).text
    assert one.count("<li><strong>") == 30
    assert 'aria-current="true"' in one


def test_songs_of_the_same_name_are_told_apart_by_where_they_are(
    person: Person, seeded: Seeded
) -> None:
    page = person.browser.get(f"/jobs/{seeded.ids['job_id']}/failures").text
    assert '<span class="place">0/1.flac</span>' in page


def test_a_job_without_failures_says_so(person: Person, site: Site) -> None:
    job = site.person()
    made = job.start("sync").json
    assert "Nothing has failed" in job.browser.get(f"/jobs/{made['id']}/failures").text
    assert job.browser.get(made["links"]["failures"]).json == {
        "failures": [],
        "total": 0,
        "links": {"next": None},
    }
