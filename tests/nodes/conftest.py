"""pytest-celery's fixtures without docker: brokers, backends and workers are local processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from pytest_celery import CeleryTestWorker, RedisTestBackend, RedisTestBroker

from tests.nodes.containers import ValkeyNodeContainer, WorkerNodeContainer
from tests.nodes.process import LocalProcess
from tests.servers import free_port, valkey_binary

StartWorker = Callable[[], CeleryTestWorker]


def _valkey(name: str, folder: Path) -> ValkeyNodeContainer:
    port = free_port()
    command = [str(valkey_binary()), "--port", str(port), *ValkeyNodeContainer.command()]
    process = LocalProcess(
        name,
        command,
        folder,
        environment={},
        ready_prompt="Ready to accept connections",
        hostname=f"127.0.0.1:{port}",
    )
    process.start()
    return ValkeyNodeContainer(process)


@pytest.fixture
def celery_broker(tmp_path: Path) -> Iterator[RedisTestBroker]:
    node = RedisTestBroker(_valkey("broker", tmp_path))
    yield node
    node.teardown()


@pytest.fixture
def celery_backend(tmp_path: Path) -> Iterator[RedisTestBackend]:
    node = RedisTestBackend(_valkey("backend", tmp_path))
    yield node
    node.teardown()


@pytest.fixture
def default_worker_container_cls() -> type[WorkerNodeContainer]:
    return WorkerNodeContainer


@pytest.fixture
def start_worker(
    tmp_path: Path,
    default_worker_cls: type[CeleryTestWorker],
    default_worker_env: dict[str, str],
    default_worker_command: list[str],
    default_worker_initial_content: dict[str, Any],
    default_worker_app: Celery,
) -> Iterator[StartWorker]:
    """Starts one more worker."""
    for path, content in default_worker_initial_content.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    nodes: list[CeleryTestWorker] = []

    def start() -> CeleryTestWorker:
        process = LocalProcess(
            f"worker{len(nodes)}", (), tmp_path, default_worker_env, ready_prompt=" ready."
        )
        process.command = [part.replace("%h", process.id[:12]) for part in default_worker_command]
        container = WorkerNodeContainer(process)
        nodes.append(default_worker_cls(container, default_worker_app))
        process.start()
        return nodes[-1]

    yield start
    for node in nodes:
        node.teardown()


@pytest.fixture
def celery_setup_worker(start_worker: StartWorker) -> CeleryTestWorker:
    return start_worker()
