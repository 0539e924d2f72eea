"""pytest-celery's containers over local processes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from pytest_celery import CeleryWorkerContainer, RedisContainer

from tests.nodes.apps import app, jobs, utils
from tests.nodes.process import LocalProcess

REPOSITORY = Path(__file__).parents[2]


class _Local:
    """What docker's fixtures do for a container, a node's teardown does for a process."""

    _container: LocalProcess

    def teardown(self) -> None:
        self._container.remove()


class ValkeyNodeContainer(_Local, RedisContainer):  # type: ignore[misc] # untyped
    """A Valkey on a port of its own; its data are gone when it stops."""

    @property
    def port(self) -> int:
        return int(self._container.hostname.rpartition(":")[2])

    @property
    def host_url(self) -> str:
        return self.url

    @classmethod
    def command(cls, *args: str, **_: object) -> list[str]:
        return super().command("--bind", "127.0.0.1", *args)[1:]  # type: ignore[no-any-return]


class WorkerNodeContainer(_Local, CeleryWorkerContainer):  # type: ignore[misc] # untyped
    """A prefork worker of the application of `tests.nodes.apps`."""

    @classmethod
    def command(cls, *args: str, **_: object) -> list[str]:
        options = ("--concurrency=2", "--without-gossip", "--without-mingle")
        return super().command(*options, *args)  # type: ignore[no-any-return]

    @classmethod
    def app_module(cls) -> ModuleType:
        return app

    @classmethod
    def utils_module(cls) -> ModuleType:
        return utils

    @classmethod
    def tasks_modules(cls) -> set[ModuleType]:
        return super().tasks_modules() | {jobs}  # type: ignore[no-any-return]

    @classmethod
    def initial_env(
        cls, celery_worker_cluster_config: dict[str, object], initial: dict[str, str] | None = None
    ) -> dict[str, str]:
        found: dict[str, str] = super().initial_env(celery_worker_cluster_config, initial)
        return found | {"PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "default"}
