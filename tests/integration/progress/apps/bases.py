"""Tasks with further base classes: Flask's documented one, and those of other packages."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

from billiard import Process, current_process
from celery import Celery, Task
from celery_batches import Batches
from celery_once import QueueOnce
from celery_singleton import Singleton
from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy

from progress.celery import JobTask, install
from progress.events import ItemStatus
from progress.redis import RedisLog

URL = os.environ["BASES_REDIS"]

flask_app = Flask(__name__)
flask_app.config.update(SHOP="Corner Shop", SQLALCHEMY_DATABASE_URI="sqlite://")
db = SQLAlchemy(flask_app)


class FlaskTask(Task):  # type: ignore[misc]
    """As Flask's documentation has it."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        with flask_app.app_context():
            return self.run(*args, **kwargs)


class SuperFlaskTask(Task):  # type: ignore[misc]
    """As many have it."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        with flask_app.app_context():
            return super().__call__(*args, **kwargs)


app = Celery("bases", broker=URL, backend=URL, task_cls=FlaskTask)
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_default_queue=os.environ.get("BASES_QUEUE", "bases"),
    singleton_backend_url=URL,
    ONCE={"backend": "celery_once.backends.Redis", "settings": {"url": URL}},
)
log = RedisLog(URL)
install(app, log)


class FlaskFirst(FlaskTask, JobTask):
    """The application context, then the job."""


class JobFirst(JobTask, FlaskTask):
    """The job, then the application context."""


class SuperFirst(SuperFlaskTask, JobTask):
    """The same with the other way of calling."""


class JobBeforeSuper(JobTask, SuperFlaskTask):
    """The same the other way round."""


class SingletonFirst(Singleton, JobTask):  # type: ignore[misc]
    """As celery-singleton says."""


class JobBeforeSingleton(JobTask, Singleton):  # type: ignore[misc]
    """The other way round."""


class OnceFirst(QueueOnce, JobTask):  # type: ignore[misc]
    """As celery-once says."""


class JobBeforeOnce(JobTask, QueueOnce):  # type: ignore[misc]
    """The other way round."""


def work(task: Any, trouble: str = "") -> str:
    """What each of the tasks does."""
    with task.job.item("one", kind="step"):
        shop = current_app.config["SHOP"]
        db.session.execute(db.text("select 1"))
        if trouble == "retry" and task.request.retries == 0:
            raise ConnectionError("for once")
        if trouble == "raise":
            raise ValueError("no")
    return str(shop)


class Batch(Batches, JobTask):  # type: ignore[misc]
    """As celery-batches says."""

    flush_every = 3
    flush_interval = 1


@app.task(base=Batch, bind=True)  # type: ignore[untyped-decorator]
def batch(self: Any, requests: list[Any]) -> None:
    """Done with several requests at once."""
    self.job.note(f"{len(requests)} at once")
    for number, request in enumerate(requests):
        job = self.job_of(request)
        for _ in job.track(range(number + 1), kind="step"):
            pass
        job.result(number)
    if any(request.args == ["raise"] or request.args == ("raise",) for request in requests):
        raise ValueError("no")


BASES: dict[str, type[Task]] = {
    "job": JobTask,
    "flask-first": FlaskFirst,
    "job-first": JobFirst,
    "super-first": SuperFirst,
    "job-before-super": JobBeforeSuper,
    "singleton-first": SingletonFirst,
    "job-before-singleton": JobBeforeSingleton,
    "once-first": OnceFirst,
    "job-before-once": JobBeforeOnce,
}
for name, base in BASES.items():
    app.task(
        work,
        name=name,
        base=base,
        bind=True,
        autoretry_for=(ConnectionError,),
        retry_backoff=0,
        default_retry_delay=0,
    )


# -- a task that works in other threads and processes ----------------------------------------------


def _do(share: str) -> None:
    for _ in elsewhere.job.track(["a", "b"], kind="line"):
        pass
    with elsewhere.job.item(share, kind="share"):
        pass
    elsewhere.job.item_status("odd", ItemStatus.FAILED, kind=share, error="no")


def _in_threads() -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_do, ("1", "2")))


def _in_loop() -> None:
    async def both() -> None:
        await asyncio.gather(asyncio.to_thread(_do, "1"), asyncio.to_thread(_do, "2"))

    asyncio.run(both())


def _in_forks() -> None:
    for share in ("1", "2"):
        pid = os.fork()
        if pid == 0:
            _do(share)
            os._exit(0)
        if os.waitpid(pid, 0)[1]:
            raise ChildProcessError(share)


def _may_have_children() -> None:
    # Celery's children are daemons, which may have no children of their own.
    current_process()._config["daemon"] = False


def _in_billiard() -> None:
    _may_have_children()
    children = [Process(target=_do, args=(share,)) for share in ("1", "2")]
    for child in children:
        child.start()
    for child in children:
        child.join()
        if child.exitcode:
            raise ChildProcessError(child.exitcode)


def _in_pool() -> None:
    _may_have_children()
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        list(pool.map(_do, ("1", "2")))


PLACES: dict[str, Callable[[], None]] = {
    "threads": _in_threads,
    "loop": _in_loop,
    "forks": _in_forks,
    "billiard": _in_billiard,
    "pool": _in_pool,
}


@app.task(base=JobTask)  # type: ignore[untyped-decorator]
def elsewhere(place: str) -> None:
    """Has its work done where it is not itself."""
    PLACES[place]()
    _do("own")
