"""A hub keeps frames of a log without holes, and a state that they join on to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from progress.cursor import Cursor
from progress.events import JobStatus, Progress, StatusEvent
from progress.hub.kept import Kept
from progress.log import Entry
from progress.rules.snapshot import begin
from progress.sse import frame


def entry(seq: int, document: bytes = b"{}", *, epoch: int = 1) -> Entry:
    return Entry(Cursor(epoch, seq), document)


PENDING = StatusEvent(
    job_id="job", at=datetime(2026, 11, 26, tzinfo=UTC), attempt=1, status=JobStatus.PENDING
)
STATE = begin(PENDING)
OVER = STATE.model_copy(update={"status": JobStatus.COMPLETED})
END = b'{"type":"status","status":"completed"}'


def frames(*seqs: int) -> bytes:
    return b"".join(frame(b"{}", Cursor(1, seq)) for seq in seqs)


@pytest.fixture
def kept() -> Kept:
    kept = Kept(Cursor(1, 5), can_end=True)
    assert kept.take([entry(6), entry(7)])
    return kept


def test_entries_that_join_on_are_kept_and_those_that_are_there_are_passed_over(kept: Kept) -> None:
    assert kept.take([entry(7), entry(8)])
    assert kept.position == Cursor(1, 8)
    assert kept.opening(Cursor(1, 5)) == (frames(6, 7, 8), 8)


@pytest.mark.parametrize("other", [entry(9), entry(8, epoch=2)])
def test_an_entry_after_a_hole_or_of_another_epoch_is_not_kept(kept: Kept, other: Entry) -> None:
    assert not kept.take([other])
    assert kept.position == Cursor(1, 7)


def test_only_a_log_that_can_end_is_ended_by_a_terminal_event(kept: Kept) -> None:
    feed = Kept(Cursor(1, 7), can_end=False)
    for log in (kept, feed):
        assert log.take([entry(8, END)])
    assert (kept.ended, feed.ended) == (True, False)


@pytest.mark.parametrize("cursor", [Cursor(1, 4), Cursor(1, 8), Cursor(2, 6), None])
def test_a_reader_whose_beginning_is_not_kept_is_not_begun(
    kept: Kept, cursor: Cursor | None
) -> None:
    assert kept.opening(cursor) is None


def test_a_new_reader_is_sent_the_state_and_what_followed_it(kept: Kept) -> None:
    kept.keep_state(STATE, Cursor(1, 6))
    state = frame(STATE.to_json().encode(), Cursor(1, 6))
    assert kept.opening(None) == (state + frames(7), 7)


def test_a_job_that_is_over_is_not_shown_with_the_events_that_led_to_its_end(kept: Kept) -> None:
    kept.keep_state(STATE, Cursor(1, 6))
    assert kept.take([entry(8, END)])
    assert kept.opening(None) is None
    kept.keep_state(OVER, Cursor(1, 8))
    assert kept.opening(None) == (frame(OVER.to_json().encode(), Cursor(1, 8)), 8)


def test_what_was_read_is_kept_at_either_end(kept: Kept) -> None:
    read = [entry(seq) for seq in range(3, 10)]
    kept.fill(2, [frame(found.document, found.cursor) for found in read], read)
    assert kept.opening(Cursor(1, 2)) == (frames(*range(3, 10)), 9)


def test_frames_that_came_since_the_last_time_or_are_unsent_are_not_forgotten(kept: Kept) -> None:
    kept.forget_old(sent=7)
    assert kept.holds(Cursor(1, 5))
    kept.take([entry(8)])
    kept.forget_old(sent=6)
    assert (kept.holds(Cursor(1, 5)), kept.holds(Cursor(1, 6))) == (False, True)
    kept.forget_old(sent=8)
    assert (kept.holds(Cursor(1, 7)), kept.holds(Cursor(1, 8))) == (False, True)


def test_whether_a_job_waits_follows_from_its_statuses_and_not_from_its_words(kept: Kept) -> None:
    kept.keep_state(STATE, Cursor(1, 7))
    assert kept.waits
    for name, waits in (("running", False), ("retrying", True), ("completed", False)):
        kept.take(
            [entry(kept.position.seq + 1, b'{"type":"status","status":"%b"}' % name.encode())]
        )
        kept.take([entry(kept.position.seq + 1, b'{"type":"note","text":"pending"}')])
        assert kept.waits is waits


def test_a_job_whose_items_are_told_waits_for_nothing_though_nobody_said_that_it_runs(
    kept: Kept,
) -> None:
    kept.keep_state(STATE, Cursor(1, 7))
    kept.take([entry(8, b'{"type":"item","itemId":"1"}')])
    assert not kept.waits
    counts = Progress(done=1, total=None, succeeded=1, failed=0, fraction=None)
    kept.keep_state(STATE.model_copy(update={"progress": counts}), kept.position)
    assert not kept.waits
