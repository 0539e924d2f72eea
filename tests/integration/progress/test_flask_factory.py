"""The page about Flask applications with a factory is right: its code runs as it stands."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app

from progress.log import JobRef
from progress.redis import RedisLog
from progress.testing import watch
from tests.servers import Server
from tests.workers import worker

PAGE = Path(__file__).parents[3] / "docs" / "flask.md"


@pytest.fixture(autouse=True)
def _applications_stay_as_they_are() -> Iterator[None]:
    before = current_app._get_current_object()
    yield
    before.set_default()
    before.set_current()


def test_the_code_of_the_page_shows_a_job_to_its_owner_alone(
    valkey_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "shop.py").write_text(code)
    (tmp_path / "make_celery.py").write_text(
        'from shop import create_app\n\ncelery = create_app().extensions["celery"]\n'
        'celery.conf.task_default_queue = "flask-page"\n'
    )
    environment = {"REDIS_URL": valkey_server.tcp_url, "SECRET_KEY": "for tests"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(tmp_path))
    app = importlib.import_module("shop").create_app()
    app.extensions["celery"].conf.task_default_queue = "flask-page"
    anna, ben = app.test_client(), app.test_client()
    anna.post("/login/anna")
    ben.post("/login/ben")
    with worker("make_celery", tmp_path, environment | {"PYTHONPATH": f"{tmp_path}:."}):
        job_id = anna.post("/imports").json["job"]
        log = RedisLog(valkey_server.tcp_url)
        for _ in watch(log, JobRef("anna", job_id), seconds=30):
            pass
        log.close()
    path, as_json = f"/api/jobs/{job_id}/progress", {"Accept": "application/json"}
    known = anna.get(path, headers=as_json).json["snapshot"]
    assert (known["status"], known["result"]) == ("completed", {"orders": 20})
    assert known["progress"]["succeeded"] == 20
    assert known["note"]["text"] == "Importing order 19"
    assert ben.get(path, headers=as_json).status_code == 404
    assert app.test_client().get(path, headers=as_json).status_code == 401
    assert anna.post(f"/api/jobs/{job_id}/cancel").status_code == 202
