"""How a job went, on its page and by the API: from the log, then from its row."""

from __future__ import annotations

import re
from uuid import UUID

from library import runs
from library.models import utc_now
from progress.events import JobStatus
from progress.log import JobRef
from progress.reports import PhaseReport
from progress.rules.stored_run import settled
from progress.run import Run
from progress.testing import status
from tests.integration.web.conftest import Person, Site


def started(site: Site, person: Person) -> JobRef:
    job_id = person.start("sync").json["id"]
    ref = JobRef(str(person.account_id), job_id)
    now = utc_now().timestamp()
    begun = [status("running", at=now), PhaseReport("songs", now, 1, 2, 0, 1, 2)]
    site.runtime.log.append(ref, begun, attempt=1)
    return ref


def table(person: Person, ref: JobRef) -> list[str]:
    page = person.browser.get(f"/jobs/{ref.job_id}").text
    found = re.search(r"<job-run.*?</job-run>", page, re.DOTALL)
    assert found is not None
    return re.findall(r'<th scope="row">(.*?)</th>', found[0])


def test_the_page_has_a_table_and_the_script_of_the_picture(site: Site) -> None:
    person = site.person()
    ref = started(site, person)
    assert table(person, ref)[-2:] == ["Attempt 1", "Phase “songs”"]
    page = person.browser.get(f"/jobs/{ref.job_id}").text
    assert f'<job-run job-id="{ref.job_id}">' in page
    assert '<script type="module" src="/api/jobs/job-run.js' in page


def test_a_job_whose_log_is_gone_is_told_from_its_row(site: Site) -> None:
    person = site.person()
    ref = started(site, person)
    link = person.browser.get(f"/api/jobs/{ref.job_id}").json["links"]["run"]
    told = Run.model_validate(person.browser.get(link).json)
    assert told.status is JobStatus.RUNNING
    ended = settled(told, JobStatus.FAILED, utc_now())
    with site.runtime.database.session() as session:
        runs.keep(session, job_id=UUID(ref.job_id), run=ended.to_dict())
    log = site.runtime.log
    log.client.delete(*log.client.keys(f"*{ref.job_id}*"))
    assert person.browser.get(link).json == ended.to_dict()
    assert table(person, ref)[-2:] == ["Attempt 1", "Phase “songs”"]
    other = site.person()
    assert other.browser.get(link).status_code == 404


def test_a_job_of_which_nothing_is_kept_is_told_by_the_times_of_its_row(site: Site) -> None:
    person = site.person()
    ref = started(site, person)
    log = site.runtime.log
    log.client.delete(*log.client.keys(f"*{ref.job_id}*"))
    told = Run.model_validate(person.browser.get(f"/api/jobs/{ref.job_id}/run").json)
    assert (told.status, told.rows) == (JobStatus.PENDING, ())
    assert told.sent_at is not None
    assert table(person, ref) == ["Wait for a worker"]
