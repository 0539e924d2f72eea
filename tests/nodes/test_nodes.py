"""pytest-celery's own interfaces, over real processes of this machine."""

from __future__ import annotations

from itertools import chain

import psutil
import pytest
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.nodes.conftest import StartWorker


def _process_id(setup: CeleryTestSetup) -> int:
    """The process that answers, which takes a living worker."""
    found: int = setup.app.send_task("tests.nodes.apps.jobs.process_id").get(timeout=20)
    return found


def _process_ids(worker: CeleryTestWorker) -> set[int]:
    return {each["pid"] for each in worker.get_running_processes_info(["pid"])}


def test_a_setup_is_ready_by_every_way_to_ask(
    celery_setup: CeleryTestSetup,
    celery_worker_cluster: CeleryWorkerCluster,
    celery_broker_cluster: CeleryBrokerCluster,
    celery_backend_cluster: CeleryBackendCluster,
) -> None:
    assert celery_setup.ready(ping=True, control=True, docker=True)
    assert len(celery_setup) == 3
    assert celery_setup.worker is celery_worker_cluster[0]
    assert celery_setup.broker is celery_broker_cluster[0]
    assert celery_setup.backend is celery_backend_cluster[0]
    (replied,) = celery_setup.app.control.ping(timeout=2)
    assert list(replied) == [celery_setup.worker.hostname()]


def _is_running(process_id: int) -> bool:
    """Whether it is there, and not a dead one whom a slow init has not taken note of."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_worker_is_gone_with_its_children_and_a_restart_brings_it_back(
    celery_setup: CeleryTestSetup, celery_worker: CeleryTestWorker
) -> None:
    before = _process_ids(celery_worker)
    assert _process_id(celery_setup) in before
    assert len(before) == 3  # one that leads, two that run tasks

    celery_worker.kill()
    assert celery_worker.container.status == "exited"
    assert not any(map(_is_running, before))
    assert celery_setup.app.control.ping(timeout=0.5) == []

    celery_worker.restart()
    assert celery_worker.container.status == "running"
    after = _process_ids(celery_worker)
    assert _process_id(celery_setup) in after
    assert not before & after


def test_a_worker_that_is_asked_to_end_says_so_and_ends(celery_worker: CeleryTestWorker) -> None:
    celery_worker.assert_log_does_not_exist("Warm shutdown", timeout=1)
    celery_worker.restart(force=True)
    celery_worker.wait_for_log("Warm shutdown", timeout=5)
    celery_worker.assert_log_exists("ready.", timeout=5)
    assert celery_worker.logs().count(" ready.") == 2


def test_a_worker_outlives_its_broker_and_takes_tasks_from_the_next(
    celery_setup: CeleryTestSetup, celery_worker: CeleryTestWorker
) -> None:
    before = _process_ids(celery_worker)
    broker = celery_setup.broker_cluster[0]
    broker.kill()
    with pytest.raises(RedisConnectionError):
        broker.container.client.ping()
    celery_worker.wait_for_log("Connection to broker lost", timeout=10)
    broker.restart()
    assert _process_id(celery_setup) in _process_ids(celery_worker)
    assert min(before) in _process_ids(celery_worker)


def test_nothing_is_left_after_a_teardown(
    celery_setup: CeleryTestSetup, start_worker: StartWorker
) -> None:
    second = start_worker()
    nodes = [celery_setup.broker, celery_setup.backend, celery_setup.worker, second]
    running = [node.container._container.processes() for node in nodes]
    assert [len(processes) for processes in running] == [1, 1, 3, 3]
    second.kill("SIGSTOP")
    for node in reversed(nodes):
        node.teardown()
        node.teardown()
    _, alive = psutil.wait_procs([*chain(*running)], timeout=2)
    assert alive == []
