"""A sync that missed too much: its pages show what would go, and its owner alone confirms it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from library import account_sources, jobs
from library.loss import Known, assess
from library.models import Job, utc_now
from tests.integration.web.conftest import Person, Site, token

SONGS = [f"<Disk> & {n % 9}/{n}.ogg" for n in range(900)]
LOSS = assess(
    Known(SONGS, ["a.m3u"], {"a.m3u": 30}),
    missing_songs=SONGS[:-1],
    missing_playlists=["a.m3u"],
    top_folders=(),
    source_id=uuid4(),
)
BUTTON = "They are really gone"


@pytest.fixture
def fail(site: Site, music: Path) -> Callable[[Person], str]:
    """Has a person's newest sync fail for a loss; its page's path."""

    def fail(person: Person) -> str:
        mine = {"account_id": person.account_id}
        with site.runtime.database.session() as session:
            account_sources.add(session, **mine, location=str(music), name="Music")
            job, _ = jobs.create(session, **mine, kind="sync")
            result = {"loss": LOSS.as_json()}
            jobs.set_result(session, job_id=job.id, attempt=0, result=result)
            jobs.finish(
                session,
                job_id=job.id,
                attempt=0,
                status="failed",
                now=utc_now(),
                error_code="source_incomplete",
                error_message=LOSS.sentence("The music folder"),
            )
        return f"/jobs/{job.id}"

    return fail


def newest(site: Site, person: Person) -> Job:
    with site.runtime.database.session() as session:
        found = jobs.latest(session, account_id=person.account_id, kind="sync")
    assert found is not None
    return found


def test_the_jobs_page_and_the_library_show_what_would_go_and_ask(
    ada: Person, fail: Callable[[Person], str]
) -> None:
    path = fail(ada)
    for page in (path, "/library"):
        text = ada.browser.get(page).text
        assert "899 of 900 songs, 1 of 1 playlist" in text
        assert "Nothing was removed." in text
        assert "&lt;Disk&gt; &amp; 0" in text
        assert "100 of 100 songs" in text
        assert "1 other folder" in text
        assert "kept for 90 days" in text
        assert f'action="{path}/confirm-loss"' in text
        assert BUTTON in text
    start = ada.browser.get("/").text
    assert f'<a href="{path}">See what is missing</a>' in start


def test_a_confirmation_starts_a_sync_that_may_take_exactly_this_away(
    site: Site, ada: Person, fail: Callable[[Person], str]
) -> None:
    path = fail(ada)
    answer = ada.submit(f"{path}/confirm-loss")
    job = newest(site, ada)
    assert (answer.status_code, answer.location) == (303, f"/jobs/{job.id}")
    assert job.parameters == {"confirmed_loss": LOSS.key}
    assert job.retry_of == UUID(path.removeprefix("/jobs/"))
    # The old page asks no more, and neither does the library.
    assert BUTTON not in ada.browser.get(path).text
    assert "Another sync was started since then." in ada.browser.get(path).text
    assert BUTTON not in ada.browser.get("/library").text


def test_another_account_confirms_nothing_and_is_told_of_nothing(
    site: Site, ada: Person, fail: Callable[[Person], str]
) -> None:
    path, bob = fail(ada), site.person()
    answer = bob.submit(f"{path}/confirm-loss")
    assert answer.status_code == 404
    assert "Disk" not in answer.text
    assert newest(site, ada).status == "failed"


def test_a_confirmation_needs_the_pages_token(
    site: Site, ada: Person, fail: Callable[[Person], str]
) -> None:
    path = fail(ada)
    assert ada.browser.post(f"{path}/confirm-loss").status_code == 400
    assert ada.browser.get(f"{path}/confirm-loss").status_code == 405
    bobs = token(site.person().browser, "/")
    refused = ada.browser.post(f"{path}/confirm-loss", data={"csrf_token": bobs})
    assert refused.status_code == 400
    assert newest(site, ada).status == "failed"


def test_a_job_that_missed_nothing_has_nothing_to_confirm(site: Site, ada: Person) -> None:
    with site.runtime.database.session() as session:
        job, _ = jobs.create(session, account_id=ada.account_id, kind="sync")
        jobs.finish(session, job_id=job.id, attempt=0, status="failed", now=utc_now())
    assert ada.submit(f"/jobs/{job.id}/confirm-loss").status_code == 404
    assert BUTTON not in ada.browser.get(f"/jobs/{job.id}").text


def test_the_api_tells_of_a_loss_what_the_page_does(
    ada: Person, fail: Callable[[Person], str]
) -> None:
    found = ada.browser.get(f"/api{fail(ada)}").json
    assert found is not None
    assert found["error"]["code"] == "source_incomplete"
    assert found["result"]["loss"]["songs"] == {"missing": 899, "known": 900}


def test_each_source_that_misses_much_has_a_question_of_its_own(site: Site, ada: Person) -> None:
    def asked(name: str, source: UUID) -> dict[str, object]:
        return LOSS.as_json() | {"key": name, "name": name, "source": str(source)}

    mine, disks = {"account_id": ada.account_id}, (uuid4(), uuid4())
    with site.runtime.database.session() as session:
        job, _ = jobs.create(session, **mine, kind="sync")
        first, second = (asked(name, key) for name, key in zip("XY", disks, strict=True))
        result = {"loss": first, "moreLosses": [second]}
        jobs.set_result(session, job_id=job.id, attempt=0, result=result)
        jobs.finish(session, job_id=job.id, attempt=0, status="failed", now=utc_now())
    path = f"/jobs/{job.id}"
    assert ada.browser.get(path).text.count(BUTTON) == 2
    assert ada.submit(f"{path}/confirm-loss", loss="nonsense").status_code == 404
    ada.submit(f"{path}/confirm-loss", loss="Y")
    assert newest(site, ada).parameters == {"confirmed_loss": "Y", "source": str(disks[1])}
    page = ada.browser.get(path).text
    assert page.count(BUTTON) == 1
    assert 'name="loss" value="X"' in page
    assert "Another sync was started since then." in page
