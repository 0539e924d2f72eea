"""pytest-celery's own interfaces, over real processes of this machine."""

from __future__ import annotations

from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestSetup,
    CeleryWorkerCluster,
)


def _process_id(setup: CeleryTestSetup) -> int:
    found: int = setup.app.send_task("tests.nodes.apps.jobs.process_id").get(timeout=20)
    return found


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
