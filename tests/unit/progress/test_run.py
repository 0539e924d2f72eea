"""How a job went, as the blueprint tells it: from the log, else from what the application kept."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask import Flask, request

from progress.flask import create_blueprint
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.rules.stored_run import job_run
from progress.run import Run
from progress.testing import FaultyLog, fresh_ref, status

REF = fresh_ref()
PATH = f"/api/jobs/{REF.job_id}/run"
MINE = {"X-Account": REF.account}


def kept_run(status: str = "completed") -> Run:
    fields = {"a1": "2026-01-01T00:00:00.000Z", "end": f"2026-01-01T00:01:00.000Z\t{status}"}
    run = job_run(REF.job_id, fields)
    assert run is not None
    return run


def client_of(log: Any, runs: Any = None) -> Any:
    app = Flask(__name__)

    def authorize(job_id: str) -> JobRef | None:
        account = request.headers.get("X-Account")
        return JobRef(REF.account, job_id) if account == REF.account else None

    blueprint = create_blueprint(
        log, authorize=authorize, account=lambda: request.headers.get("X-Account"), runs=runs
    )
    app.register_blueprint(blueprint)
    return app.test_client()


@pytest.fixture
def log() -> MemoryLog:
    made = MemoryLog()
    made.append(REF, [status("pending"), status("running")], attempt=1)
    return made


def test_its_owner_alone_is_told(log: MemoryLog) -> None:
    client = client_of(log)
    assert client.get(PATH).status_code == 401
    assert client.get(PATH, headers={"X-Account": "another"}).status_code == 404
    answer = client.get(PATH, headers=MINE)
    assert answer.status_code == 200
    assert Run.model_validate(answer.json) == log.run(REF)


def test_what_did_not_change_is_not_sent_again_and_it_is_compressed_where_asked(
    log: MemoryLog,
) -> None:
    client = client_of(log)
    first = client.get(PATH, headers=MINE)
    again = client.get(PATH, headers={**MINE, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(PATH, headers={**MINE, "Accept": "image/png"}).status_code == 406
    packed = client.get(PATH, headers={**MINE, "Accept-Encoding": "gzip"})
    assert json.loads(gzip.decompress(packed.data)) == first.json
    log.append(REF, [status("completed")], attempt=1)
    later = client.get(PATH, headers={**MINE, "If-None-Match": first.headers["ETag"]})
    assert later.json["status"] == "completed"


def test_what_the_application_kept_is_told_where_the_log_is_gone_or_was_not_told_the_end(
    log: MemoryLog,
) -> None:
    for found in (MemoryLog(), log, FaultyLog(log)):
        if isinstance(found, FaultyLog):
            found.fail_next = 9
        answer = client_of(found, lambda _: kept_run("failed")).get(PATH, headers=MINE)
        assert answer.json["status"] == "failed"
    unended = job_run(REF.job_id, {"sent": "2026-01-01T00:00:00.000Z"})
    answer = client_of(log, lambda _: unended).get(PATH, headers=MINE)
    assert Run.model_validate(answer.json) == log.run(REF)
    log.append(REF, [status("completed")], attempt=1)
    answer = client_of(log, lambda _: kept_run("failed")).get(PATH, headers=MINE)
    assert answer.json["status"] == "completed"


def test_where_nobody_knows_of_a_run_it_says_so(log: MemoryLog) -> None:
    assert client_of(MemoryLog()).get(PATH, headers=MINE).status_code == 404
    assert client_of(MemoryLog(), lambda _: None).get(PATH, headers=MINE).status_code == 404
    silent = FaultyLog(log)
    silent.fail_next = 9
    assert client_of(silent).get(PATH, headers=MINE).status_code == 503
