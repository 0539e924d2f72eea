"""A folder that was allowed when it was chosen is looked at again when it is read."""

from __future__ import annotations

from pathlib import Path

from tasks.factory import create_celery
from tasks.settings import Settings
from tests.integration.conftest import Pipelines
from tests.servers import Server
from tests.workers import worker


def test_a_folder_that_became_a_link_out_of_the_roots_is_not_read(
    valkey_server: Server, tmp_path: Path
) -> None:
    chosen, outside = tmp_path / "roots" / "music", tmp_path / "outside"
    chosen.mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.m3u").write_text("")
    environment = {
        # Not the database that other tests' worker takes its tasks from.
        "REDIS_URL": f"{valkey_server.tcp_url.removesuffix('/0')}/3",
        "EARMARK_DATA": str(tmp_path),
        "EARMARK_MUSIC_ROOTS": str(tmp_path / "roots"),
    }
    settings = Settings.from_environ(environment)
    celery = create_celery(settings)
    celery.runtime.database.migrate()
    pipelines = Pipelines(celery, settings)
    with worker("tasks.app", tmp_path, environment):
        ada = pipelines.account(chosen)
        assert pipelines.run(ada, "sync")[0].status == "completed"
        chosen.rmdir()
        chosen.symlink_to(outside)
        job = pipelines.run(ada, "sync")[0]
        assert (job.status, job.error_code) == ("failed", "source_unavailable")
        assert "none of those that accounts may choose from" in job.error_message
    celery.runtime.close()
    celery.close()
