"""What a message says of its job when it is sent, and what a reader sees before a worker has it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, current_app, group, shared_task

from progress.celery import HEADER, JobTask, install
from progress.celery.sending import NOBODY, resend
from progress.events import Snapshot
from progress.lifecycle import JobStore, NoStore
from progress.log import JobRef
from progress.memory import MemoryLog
from progress.testing import FaultyLog, events_of, status


def _nothing() -> None:
    """The work of these tasks."""


class JobRows(NoStore):
    """An application's own rows."""


class Shop:
    """An application whose messages nobody takes."""

    def __init__(
        self,
        account: Callable[[], Any] = lambda: "anna",
        log: Any = None,
        store: JobStore | None = None,
    ) -> None:
        self.celery = Celery("shop", broker="memory://", set_as_current=False)
        self.celery.conf.task_default_queue = uuid4().hex
        self.log = log or MemoryLog()
        install(self.celery, self.log, account=account, store=store)
        self.work = self.celery.task(name="work", base=JobTask, shared=False)(_nothing)

    def headers(self) -> list[dict[str, Any]]:
        """What the messages in the queue say of their jobs, the oldest first."""
        with self.celery.connection_for_read() as connection:
            queue = connection.SimpleQueue(self.celery.conf.task_default_queue)
            found = []
            while queue.qsize():
                message = queue.get_nowait()
                found.append(message.headers.get(HEADER))
                message.ack()
            queue.close()
        return found


# -- the first status -------------------------------------------------------------------------


def test_a_job_that_was_sent_is_pending_before_a_worker_has_it() -> None:
    shop = Shop()
    ref = JobRef("anna", shop.work.delay().id)
    known = shop.log.snapshot(ref)
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert known[0].status == "pending"
    assert [event.type for event in events_of(shop.log, ref)] == ["status"]


def test_a_job_that_is_under_way_is_not_pending_again() -> None:
    shop = Shop()
    shop.log.append(JobRef("anna", "old"), [status("running")], attempt=2)
    shop.work.apply_async(task_id="old")
    found = shop.log.snapshot(JobRef("anna", "old"))
    assert found is not None
    assert isinstance(found[0], Snapshot)
    assert (found[0].status, found[0].attempt) == ("running", 2)


def test_where_there_are_rows_they_say_whether_a_job_that_has_ended_runs_anew() -> None:
    shop = Shop(store=JobRows())
    shop.log.append(JobRef("anna", "old"), [status("completed")], attempt=2)
    shop.work.apply_async(task_id="old")
    found = shop.log.snapshot(JobRef("anna", "old"))
    assert found is not None
    assert isinstance(found[0], Snapshot)
    assert (found[0].status, found[0].attempt) == ("completed", 2)


def test_a_log_that_does_not_answer_holds_up_nobody_who_sends() -> None:
    answers = threading.Event()

    class Stuck(MemoryLog):
        def append(self, *args: Any, **kwargs: Any) -> Any:
            answers.wait(10)
            return super().append(*args, **kwargs)

    shop = Shop(log=Stuck())
    began = time.monotonic()
    shop.work.delay()
    assert time.monotonic() - began < 2
    answers.set()
    assert len(shop.headers()) == 1


def test_a_log_that_fails_fails_nobody_who_sends() -> None:
    log = FaultyLog(MemoryLog())
    log.fail_next = 1_000
    shop = Shop(log=log)
    shop.work.delay()
    assert len(shop.headers()) == 1


# -- whose it is ------------------------------------------------------------------------------


def _raises() -> str:
    raise KeyError("user")


@pytest.mark.parametrize("account", [_raises, lambda: None, lambda: 5, lambda: "", lambda: b"anna"])
def test_an_account_of_no_use_is_said_once_and_the_messages_are_sent(
    account: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(account)
    with caplog.at_level(logging.INFO):
        first = shop.work.delay()
        shop.work.delay()
    assert [said["account"] for said in shop.headers()] == [NOBODY, NOBODY]
    assert shop.log.snapshot(JobRef(NOBODY, first.id)) is not None
    (line,) = [line for line in caplog.records if line.name.startswith("progress.celery")]
    assert line.action == "no_account"  # type: ignore[attr-defined]
    assert "str(user.id)" in line.message


def test_a_job_that_is_sent_again_because_it_was_lost_stays_its_owners() -> None:
    shop = Shop()
    ref = JobRef("anna", "lost")
    shop.work.apply_async(task_id=ref.job_id)
    shop.log.append(ref, [status("running")], attempt=1)
    installation = install(
        shop.celery,
        shop.log,
        account=_raises,  # a worker has no session
        resend=lambda lost: shop.work.apply_async(task_id=lost.job_id),
    )
    resend(installation, ref)
    assert [said["account"] for said in shop.headers()] == ["anna", "anna"]
    known = shop.log.snapshot(ref)
    assert known is not None
    assert known[0].status == "running"  # type: ignore[union-attr]


def test_each_message_bears_its_own_applications_account() -> None:
    shops = [Shop(lambda: "anna"), Shop(lambda: "ben")]
    for shop in (*shops, *reversed(shops)):
        shop.work.delay()
        shop.celery.send_task("work")
        shop.celery.signature("work").apply_async()
    for shop, name in zip(shops, ("anna", "ben"), strict=True):
        assert [said["account"] for said in shop.headers()] == [name] * 6


def test_an_application_without_live_progress_beside_it_marks_nothing() -> None:
    shop = Shop()
    other = Celery("other", broker="memory://", set_as_current=False)
    other.conf.task_default_queue = shop.celery.conf.task_default_queue
    other.task(name="work", shared=False)(_nothing).delay()
    assert shop.headers() == [None]


def test_a_shared_task_is_of_the_application_that_is_current() -> None:
    shops = [Shop(lambda: "anna"), Shop(lambda: "ben")]
    before = current_app._get_current_object()
    task = shared_task(name="shared-work", base=JobTask)(_nothing)
    try:
        for shop in shops:
            shop.celery.set_current()
            task.delay()
    finally:
        before.set_current()
    assert [[said["account"] for said in shop.headers()] for shop in shops] == [["anna"], ["ben"]]


def test_the_proxy_of_the_current_application_can_be_given_live_progress() -> None:
    before = current_app._get_current_object()
    celery = Celery("shop", broker="memory://")
    try:
        celery.set_current()
        installation = install(current_app, MemoryLog())
    finally:
        before.set_current()
    assert installation.app is celery


def test_a_task_that_another_application_is_sent_in_a_jobs_midst_is_a_job_of_its_own() -> None:
    other = Shop(lambda: "ben")
    shop = Shop(lambda: "anna")
    shop.celery.conf.task_always_eager = True

    @shop.celery.task(base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def sends() -> str:
        return str(other.work.delay().id)

    job_id = sends.delay().get()
    (said,) = other.headers()
    assert said.pop("run")
    assert said == {"account": "ben", "jobId": job_id, "attempt": 0}
    assert other.log.snapshot(JobRef("ben", job_id)) is not None


# -- the numbers of parts ---------------------------------------------------------------------


def test_nameless_items_of_parts_are_not_taken_for_one_another() -> None:
    shop = Shop()
    shop.celery.conf.task_always_eager = True

    @shop.celery.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def part(self: Any) -> None:
        for _ in self.job.track(["a", "b"]):
            pass

    @shop.celery.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def whole(self: Any) -> None:
        group(part.si(), part.si()).apply_async()
        part.delay()
        if self.request.retries == 0:
            raise self.retry(countdown=0)

    ref = JobRef("anna", whole.delay().id)
    known = shop.log.snapshot(ref)
    assert known is not None
    assert isinstance(known[0], Snapshot)
    assert known[0].progress is not None
    # Three parts of two items, the same ones at the second attempt.
    assert (known[0].attempt, known[0].progress.succeeded) == (2, 6)


def test_parts_are_numbered_as_they_are_sent() -> None:
    shop = Shop()

    @shop.celery.task(bind=True, base=JobTask, shared=False)  # type: ignore[untyped-decorator]
    def whole(self: Any) -> None:
        for _ in range(2):
            shop.work.delay()

    for attempt in (1, 2):
        whole.apply(task_id="job")
        parts = [(said["attempt"], said["part"]) for said in shop.headers()]
        assert parts == [(attempt, "1"), (attempt, "2")]
