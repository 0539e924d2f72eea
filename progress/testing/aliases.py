"""The suite for a log that finds jobs by other ids. Subclass it where your log does."""

from __future__ import annotations

from typing import Protocol

from ..aliases import Sent, SumRef, SupportsAliases, locate
from ..cursor import Cursor
from ..events import Snapshot
from ..log import FeedRef, Gap, JobRef, Log, Position, SupportsCancel
from ..reports import ErrorReport, TotalReport
from .reading import fresh_ref, item, status


class _Aliasing(Log, SupportsAliases, Protocol):
    """A log with the ability that `AliasContract` tests."""


class AliasContract:
    """What a log has to do that finds jobs by other ids. Needs the fixture `log`."""

    def test_it_declares_aliases(self, log: Log) -> None:
        assert isinstance(log, SupportsAliases)

    def test_an_id_that_leads_nowhere_is_its_own(self, log: _Aliasing) -> None:
        ref = fresh_ref()
        assert locate(log, ref) == (ref, None)
        cursor = log.append(ref, [status("running")], attempt=1).cursor
        assert locate(log, ref) == (ref, Position(cursor))
        feed = FeedRef(ref.account)
        assert locate(log, feed) == (feed, log.position(feed))

    def test_the_ids_of_a_chain_lead_to_its_job_from_the_beginning_to_the_end(
        self, log: _Aliasing
    ) -> None:
        ref = fresh_ref()
        names = [f"{ref.job_id}-{number}" for number in range(3)]
        log.note_sent(Sent(ref, aliases=names))
        assert locate(log, JobRef(ref.account, names[0])) == (ref, None)
        for word in ("pending", "running", "completed"):
            cursor = log.append(ref, [status(word)], attempt=1).cursor
            for name in names:
                found = locate(log, JobRef(ref.account, name))
                assert found == (ref, Position(cursor, has_ended=word == "completed"))
        stranger = JobRef(f"{ref.account}-other", names[0])
        assert locate(log, stranger) == (stranger, None)

    def test_a_job_of_its_own_is_not_taken_for_another(self, log: _Aliasing) -> None:
        ref = fresh_ref()
        own = JobRef(ref.account, f"{ref.job_id}-own")
        log.note_sent(Sent(ref, aliases=[own.job_id]))
        log.append(own, [status("running")], attempt=1)
        assert locate(log, own)[0] == own

    def test_the_id_of_a_group_leads_to_the_sum_of_its_jobs(self, log: _Aliasing) -> None:
        refs, group = _group(log, 3)
        assert locate(log, group)[1] is None
        for ref in refs:
            log.append(ref, [status("pending")], attempt=1)
        assert _sum(log, group).status == "pending"
        log.append(refs[0], [status("running"), TotalReport(2, 0.0)], attempt=1)
        log.append(refs[0], [item("a", "succeeded"), item("b", "in_progress")], attempt=1)
        state = _sum(log, group)
        assert state.status == "running"
        assert state.progress is not None
        assert (state.progress.done, state.progress.total) == (1, None)
        assert state.progress.fraction == 0.1666  # half of one of three
        assert [one.item_id for one in state.items_in_progress] == ["b"]
        for ref in refs:
            log.append(ref, [item("b", "succeeded"), status("completed")], attempt=1)
        state = _sum(log, group)
        assert state.status == "completed"
        assert state.progress is not None
        assert (state.progress.done, state.progress.total) == (4, 4)
        assert state.progress.fraction == 1
        found, position = locate(log, group)
        assert position is not None
        assert position.has_ended
        assert log.read(found, after=position.cursor) == ()
        behind = Cursor(position.cursor.epoch, position.cursor.seq - 1)
        assert isinstance(log.read(found, after=behind), Gap)

    def test_a_sum_is_over_when_its_jobs_are_and_has_failed_when_one_has(
        self, log: _Aliasing
    ) -> None:
        refs, group = _group(log, 2)
        log.append(refs[0], [ErrorReport("No.", "no", 0.0), status("failed")], attempt=1)
        log.append(refs[1], [status("running")], attempt=1)
        assert _sum(log, group).status == "running"
        log.append(refs[1], [status("completed")], attempt=1)
        state = _sum(log, group)
        assert state.status == "failed"
        assert state.error is not None
        assert state.error.code == "no"

    def test_the_position_of_a_sum_rises_with_every_event(self, log: _Aliasing) -> None:
        refs, group = _group(log, 2)
        seen = []
        for word in ("pending", "running", "completed"):
            for ref in refs:
                log.append(ref, [status(word)], attempt=1)
                seen.append(locate(log, group)[1])
        cursors = [position.cursor for position in seen if position is not None]
        assert len(cursors) == 6
        assert cursors == sorted(set(cursors))

    def test_a_chord_goes_on_until_its_body_has_ended(self, log: _Aliasing) -> None:
        refs, group = _group(log, 2, awaited=1)
        header, body = refs
        log.append(header, [status("completed")], attempt=1)
        assert _sum(log, group).status == "running"
        log.note_sent(Sent(body, sum=SumRef(body.account, group.job_id)))
        log.append(body, [status("running")], attempt=1)
        assert _sum(log, body).status == "running"
        log.append(body, [status("completed")], attempt=1)
        assert _sum(log, group).status == "completed"

    def test_a_chord_of_which_a_header_failed_is_over_without_its_body(
        self, log: _Aliasing
    ) -> None:
        refs, group = _group(log, 3, awaited=1)
        for ref, word in zip(refs, ("failed", "completed"), strict=False):
            log.append(ref, [status(word)], attempt=1)
        assert _sum(log, group).status == "failed"

    def test_who_asks_for_a_cancel_by_another_id_cancels_the_job_and_each_of_a_sum(
        self, log: _Aliasing
    ) -> None:
        assert isinstance(log, SupportsCancel)
        ref = fresh_ref()
        log.note_sent(Sent(ref, aliases=["last"]))
        log.append(ref, [status("running")], attempt=1)
        log.request_cancel(JobRef(ref.account, "last"))
        assert log.cancel_requested(ref)
        refs, group = _group(log, 2)
        log.append(refs[0], [status("running")], attempt=1)
        log.request_cancel(group)
        assert [log.cancel_requested(one) for one in refs] == [True, True]


def _group(log: _Aliasing, count: int, *, awaited: int = 0) -> tuple[list[JobRef], JobRef]:
    """Jobs that were sent as a group, the last of them perhaps to be sent; and the group's id."""
    ref = fresh_ref()
    refs = [JobRef(ref.account, f"{ref.job_id}-{number}") for number in range(count)]
    whole = SumRef(ref.account, ref.job_id)
    waits = [one.job_id for one in refs[count - awaited :]]
    for one in refs[: count - awaited]:
        log.note_sent(Sent(one, sum=whole, sum_aliases=[ref.job_id, *waits], awaited=waits))
    return refs, ref


def _sum(log: _Aliasing, ref: JobRef) -> Snapshot:
    found, position = locate(log, ref)
    assert isinstance(found, SumRef)
    state = log.snapshot(found)
    assert state is not None
    assert isinstance(state[0], Snapshot)
    assert position is not None
    assert position.cursor == state[1]
    return state[0]
