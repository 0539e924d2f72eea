"""Whoever follows an id that sending gave back is shown the job, or the sum of the jobs.

An id that was used before is shown as the job that it is now.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from flask import Flask

from progress.aliases import Sent, SumRef, locate
from progress.celery import HEADER, JobTask, install
from progress.errors import LogUnavailable
from progress.events import Snapshot, StatusEvent
from progress.flask import create_blueprint
from progress.lease import Lease, Part
from progress.log import JobRef, Position
from progress.memory import MemoryLog
from progress.redis import RedisLog
from progress.testing import events_of, status, watch
from tests.integration.progress.site import APPLICATION, forget_results
from tests.servers import Server, valkey
from tests.workers import worker


def _elsewhere(*_: object) -> None:
    """The work of these tasks is the worker's."""


class Sender:
    """A site whose jobs are Anna's, and which knows the tasks."""

    def __init__(self, server: Server) -> None:
        self.celery = Celery(
            "sender", broker=server.tcp_url, backend=server.tcp_url, set_as_current=False
        )
        self.log = RedisLog(server.tcp_url)
        install(self.celery, self.log, account=lambda: "anna")
        self._step = self._task("step", JobTask)
        self._plain = self._task("plain", self.celery.Task)
        self.ends = self._task("ends", JobTask)

    def _task(self, name: str, base: Any) -> Any:
        return self.celery.task(name=f"{APPLICATION}.{name}", base=base, shared=False)(_elsewhere)

    def step(self, name: str, trouble: str = "", seconds: float = 0.02) -> Any:
        return self._step.si(name, trouble, seconds)

    def plain(self, name: str, trouble: str = "") -> Any:
        return self._plain.si(name, trouble)

    def located(self, task_id: str) -> JobRef:
        return locate(self.log, JobRef("anna", task_id))[0]  # type: ignore[return-value]

    def again(self, task_id: str, task: Any, **options: Any) -> None:
        """Send a task under an id that may have been used, and wait until its log is the new one.

        A machine that is busy may take longer than `apply_async` waits for that.
        """
        before = self.log.position(JobRef("anna", task_id))
        task.apply_async(task_id=task_id, **options)
        until = time.monotonic() + 10
        while (now := self.log.position(JobRef("anna", task_id))) is None or (
            before is not None and now.cursor.epoch == before.cursor.epoch
        ):
            assert time.monotonic() < until
            time.sleep(0.01)

    def epoch(self, task_id: str) -> int:
        position = self.log.position(JobRef("anna", task_id))
        assert position is not None
        return position.cursor.epoch

    def told(self, task_id: str) -> list[tuple[int, str]]:
        """The attempt and the status of each status event after the first, `pending`.

        A worker may be faster than the sender is to write that one.
        """
        events = events_of(self.log, JobRef("anna", task_id))
        told = [(e.attempt, e.status) for e in events if isinstance(e, StatusEvent)]
        return told[1:] if told[0] == (1, "pending") else told

    def end(self, task_id: str) -> Snapshot:
        """The state at the end, as a reader is shown it who knows nothing but this id."""
        ref = self.located(task_id)
        for _ in watch(self.log, ref, seconds=30):
            pass
        state = self.log.snapshot(ref)
        assert state is not None
        assert isinstance(state[0], Snapshot)
        return state[0]


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    folder: Path = tmp_path_factory.mktemp("ids")
    with valkey() as server:
        sender = Sender(server)
        with worker(APPLICATION, folder, {"SHAPES_REDIS": server.tcp_url}):
            yield sender
        sender.log.close()
        forget_results(sender.celery)
        sender.celery.close()


Make = Callable[[Sender], Any]

#: What is sent, and how many items its tasks are.
JOBS: dict[str, tuple[Make, int]] = {
    "task": (lambda s: s.step("a"), 1),
    "chain": (lambda s: chain(s.step("a"), s.step("b"), s.step("c")), 3),
    "chain-of-plain": (lambda s: chain(s.step("a"), s.plain("b"), s.step("c")), 2),
    "chain-to-chord": (lambda s: chain(s.step("a"), chord([s.step("b")] * 2, s.step("d"))), 3),
    "chain-to-group": (lambda s: chain(s.step("a"), group(s.step("b"), s.step("c"))), 3),
}

SUMS: dict[str, tuple[Make, int]] = {
    "group": (lambda s: group(s.step("a"), s.step("b"), s.step("c")), 3),
    "group-of-one": (lambda s: group(s.step("a")), 1),
    "group-of-chains": (lambda s: group(chain(s.step("a"), s.step("b")), s.step("c")), 3),
    "chord": (lambda s: chord([s.step("a"), s.step("b", seconds=0.5)], s.step("c")), 3),
    "chord-of-one": (lambda s: chord([s.step("a")], s.step("b")), 2),
    "chord-to-chain": (lambda s: chord([s.step("a")], chain(s.step("b"), s.step("c"))), 3),
    "chord-of-chains": (lambda s: chord([chain(s.step("a"), s.step("b"))], s.step("c")), 3),
    "chord-of-chords": (
        lambda s: chord([chord([s.step("a"), s.step("b")], s.step("c")), s.step("d")], s.step("e")),
        5,
    ),
    "chord-of-plain": (lambda s: chord([s.plain("a"), s.plain("b")], s.step("c")), 1),
    "chord-to-plain": (lambda s: chord([s.step("a"), s.step("b")], s.plain("c")), 2),
    "chord-to-group": (lambda s: chord([s.step("a")], group(s.step("b"), s.step("c"))), 3),
    "group-of-chords": (lambda s: group(chord([s.step("a")], s.step("b")), s.step("c")), 3),
}


@pytest.mark.parametrize("shape", JOBS)
def test_the_id_of_a_chain_leads_to_its_job(sender: Sender, shape: str) -> None:
    make, items = JOBS[shape]
    result = make(sender).delay()
    ref = sender.located(result.id)
    assert not isinstance(ref, SumRef)
    state = sender.end(result.id)
    assert (state.job_id, state.status) == (ref.job_id, "completed")
    assert state.progress is not None
    assert state.progress.succeeded == items


def test_every_id_of_a_chain_leads_to_its_job(sender: Sender) -> None:
    last = chain(sender.step("a"), sender.step("b"), sender.step("c")).delay()
    ids = [last.id, last.parent.id, last.parent.parent.id]
    assert [sender.located(id_).job_id for id_ in ids] == [ids[-1]] * 3


@pytest.mark.parametrize("shape", SUMS)
def test_the_id_of_a_group_or_a_chord_leads_to_the_sum_of_its_jobs(
    sender: Sender, shape: str
) -> None:
    make, items = SUMS[shape]
    result = make(sender).delay()
    assert isinstance(sender.located(result.id), SumRef)
    state = sender.end(result.id)
    assert state.status == "completed"
    assert state.progress is not None
    assert (state.progress.succeeded, state.progress.fraction) == (items, 1)
    if result.parent is not None:  # a chord's header has an id, too
        assert sender.end(result.parent.id) == state


FAILING: dict[str, tuple[Make, int]] = {
    "group": (lambda s: group(s.step("a"), s.step("b", "raise")), 1),
    "header": (lambda s: chord([s.step("a"), s.step("b", "raise")], s.step("c")), 1),
    "body": (lambda s: chord([s.step("a"), s.step("b")], s.step("c", "raise")), 2),
    "chain-in-header": (
        lambda s: chord([chain(s.step("a"), s.step("b", "raise")), s.step("c")], s.step("d")),
        2,
    ),
}


@pytest.mark.parametrize("shape", FAILING)
def test_a_sum_fails_when_one_of_its_jobs_does(sender: Sender, shape: str) -> None:
    make, items = FAILING[shape]
    state = sender.end(make(sender).delay().id)
    assert state.status == "failed"
    assert state.error is not None
    assert state.error.code == "internal_error"
    assert state.progress is not None
    assert state.progress.succeeded == items


def test_jobs_of_a_sum_are_their_senders_also_a_body_that_a_plain_task_sends(
    sender: Sender,
) -> None:
    body = chord([sender.plain("a"), sender.step("b")], sender.step("c")).delay()
    sender.end(body.id)
    own = sender.log.snapshot(JobRef("anna", body.id))
    assert own is not None
    assert own[0].status == "completed"  # type: ignore[union-attr]


def test_a_page_follows_the_id_that_it_was_given_as_a_stream_and_as_json(sender: Sender) -> None:
    app = Flask(__name__)
    blueprint = create_blueprint(
        sender.log, authorize=lambda job_id: JobRef("anna", job_id), account=lambda: "anna"
    )
    app.register_blueprint(blueprint)
    with app.test_client() as client:
        for result in (
            chain(sender.step("a"), sender.step("b")).delay(),
            chord([sender.step("a")], sender.step("b")).delay(),
            group(sender.step("a"), sender.step("b")).delay(),
        ):
            url = f"/api/jobs/{result.id}/progress"
            stream = client.get(url, headers={"Accept": "text/event-stream"})
            frames = [line for line in stream.text.split("\n") if line.startswith("data: ")]
            assert json.loads(frames[-1].removeprefix("data: "))["status"] == "completed"
            known = client.get(url, headers={"Accept": "application/json"}).json
            assert known["snapshot"]["status"] == "completed"
            assert known["snapshot"]["progress"]["succeeded"] == 2
            page = client.get(f"/api/jobs/{result.id}/events").json
            assert (page["ended"], page["cursor"]) == (True, known["cursor"])
            over = {"Accept": "text/event-stream", "Last-Event-ID": known["cursor"]}
            assert client.get(url, headers=over).status_code == 204
    blueprint.hub.close()


def test_what_an_id_leads_to_is_kept_for_as_long_as_the_jobs_own_log(sender: Sender) -> None:
    last = chain(sender.step("a"), sender.step("b")).delay()
    ref = sender.located(last.id)
    client, log = sender.log.client, sender.log
    alias, state = (log.key(JobRef("anna", id_), "state") for id_ in (last.id, ref.job_id))
    assert client.ttl(alias) > 86_400
    sender.end(last.id)
    assert 0 < client.ttl(state) <= 86_400
    assert abs(client.ttl(alias) - client.ttl(state)) <= 1
    both = group(sender.step("a"), sender.step("b")).delay()
    key = log.key(sender.located(both.id), "state")
    client.expire(key, 60)
    sender.end(both.id)
    assert client.ttl(key) > 86_400


# -- an id that is used again -----------------------------------------------------------------


def test_a_job_that_is_sent_again_under_its_old_id_has_a_fresh_log(sender: Sender) -> None:
    task_id = "nightly"
    epochs = []
    for name in ("a", "b", "c"):
        sender.again(task_id, sender.step(name))
        state = sender.end(task_id)
        epochs.append(sender.epoch(task_id))
        assert sender.told(task_id) == [(1, "running"), (1, "completed")]
        assert (state.status, state.attempt) == ("completed", 1)
        assert state.progress is not None
        assert (state.progress.done, state.progress.total) == (1, 1)
    assert epochs == sorted(set(epochs))


def test_a_job_that_failed_runs_again_under_its_old_id(sender: Sender) -> None:
    sender.step("a", "raise").apply_async(task_id="again")
    assert sender.end("again").status == "failed"
    sender.again("again", sender.step("a"))
    state = sender.end("again")
    assert (state.status, state.error, state.failed_items) == ("completed", None, ())


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("lost", [(1, "running"), (2, "running"), (2, "completed")]),
        ("retry", [(1, "running"), (1, "retrying"), (2, "running"), (2, "completed")]),
        ("replace", [(1, "running"), (1, "completed")]),
    ],
)
def test_what_goes_on_with_a_job_keeps_its_log(
    sender: Sender, how: str, told: list[tuple[int, str]]
) -> None:
    task_id = sender.ends.delay(how).id
    epoch = sender.epoch(task_id)
    assert sender.end(task_id).status == "completed"
    assert sender.told(task_id) == told
    assert sender.epoch(task_id) == epoch


def test_a_job_whose_message_was_lost_goes_on_when_it_is_sent_again(sender: Sender) -> None:
    sender.step("a").apply_async(task_id="resent", queue="nobody")
    epoch = sender.epoch("resent")
    sender.step("a").apply_async(task_id="resent")
    assert sender.end("resent").status == "completed"
    assert sender.told("resent") == [(1, "running"), (1, "completed")]
    assert sender.epoch("resent") == epoch


def test_a_message_of_an_earlier_run_that_comes_late_does_nothing(sender: Sender) -> None:
    sender.step("a").apply_async(task_id="late")
    sender.end("late")
    said = sender.log.client.hget(sender.log.key(JobRef("anna", "late"), "state"), "mark").decode()
    sender.again("late", sender.step("b"))
    state = sender.end("late")
    header = {"account": "anna", "jobId": "late", "attempt": 0, "run": said}
    result = sender.step("c").apply_async(task_id="late", headers={HEADER: header})
    after = sender.step("d").delay()
    sender.end(after.id)
    del result
    known = sender.log.snapshot(JobRef("anna", "late"))
    assert known is not None
    assert known[0] == state


def test_a_job_whose_process_is_killed_each_time_runs_again_at_once_and_as_often_as_it_is_sent(
    sender: Sender,
) -> None:
    for _ in range(4):
        sender.again("too-long", sender.ends.s("sleep"), time_limit=1)
        state = sender.end("too-long")
        assert (state.status, state.attempt) == ("failed", 1)
        assert state.error is not None
        assert state.error.code == "time_limit"
        assert sender.told("too-long") == [(1, "running"), (1, "failed")]


def test_who_came_while_the_log_could_not_be_asked_is_sent_back_and_then_shown_the_job() -> None:
    class AwayAtFirst(MemoryLog):
        is_away = True

        def locate(self, ref: JobRef) -> tuple[JobRef, Position | None]:
            if self.is_away:
                self.is_away = False
                raise LogUnavailable("away")
            return super().locate(ref)

    log, job = AwayAtFirst(), JobRef("anna", "first")
    log.note_sent(Sent(job, aliases=["last"]))
    log.append(job, [status("completed")], attempt=1)
    app = Flask(__name__)
    blueprint = create_blueprint(
        log, authorize=lambda job_id: JobRef("anna", job_id), account=lambda: "anna"
    )
    app.register_blueprint(blueprint)
    with app.test_client() as client:
        url, headers = "/api/jobs/last/progress", {"Accept": "text/event-stream"}
        first = client.get(url, headers=headers).text
        assert "data: " not in first
        assert "retry: " in first
        assert '"status":"completed"' in client.get(url, headers=headers).text
    blueprint.hub.close()


def test_a_job_whose_processes_were_lost_three_times_ends_in_its_third_attempt(
    sender: Sender,
) -> None:
    ref = JobRef("anna", "lost-each-time")
    for attempt in (1, 2, 3):
        lease = Lease(Part(ref, ref.job_id), f"gone/{attempt}", "execution")
        assert sender.log.leases.take(lease).tries == attempt
        sender.log.append(ref, [status("running")], attempt=attempt)
        sender.log.leases.vacate(lease)
    sender.step("a").apply_async(task_id=ref.job_id)
    state = sender.end(ref.job_id)
    assert state.error is not None
    assert (state.attempt, state.error.code) == (3, "worker_lost")
    assert sender.told(ref.job_id) == [(number, "running") for number in (1, 2, 3)] + [
        (3, "failed")
    ]


@pytest.mark.parametrize(
    "said", ["50%", 7, [1], {"account": 5, "jobId": [], "attempt": "x", "part": 3, "bodies": "no"}]
)
def test_a_header_of_this_name_that_says_something_else_hurts_no_task(
    sender: Sender, said: object
) -> None:
    options = {"headers": {HEADER: said, "progress_sum": said}}
    result = chord([sender.step("a").set(**options)], sender.step("b").set(**options)).delay()
    assert result.get(timeout=20) == "b"
