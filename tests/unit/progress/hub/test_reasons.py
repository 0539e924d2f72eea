"""When a hub asks why jobs wait, and what it says to their readers."""

from __future__ import annotations

import pytest

from progress.cursor import Cursor
from progress.events import JobWaiting
from progress.hub.channel import Channel, Stream
from progress.hub.kept import Kept
from progress.hub.reasons import ASK_SECONDS, SAY_AGAIN_SECONDS, Reasons
from progress.log import Entry, FeedRef, JobRef

REF = JobRef("anna", "one")
PENDING = b'{"type":"status","status":"pending"}'
RUNNING = b'{"type":"status","status":"running"}'
NOBODY = JobWaiting(job_id="one", queue="q", workers=0)


class Site:
    """One watched job and the hub's reasons."""

    def __init__(self) -> None:
        self.reasons, self.channel = Reasons(), Channel(REF)
        self.channel.kept = Kept(Cursor(1, 0), can_end=True)
        self.become(PENDING)
        self.come()

    def come(self) -> None:
        self.channel.delivery.live[7] = Stream(7, self.channel, 1e9)
        self.reasons.begin(self.channel)

    def become(self, document: bytes) -> None:
        assert self.channel.kept is not None
        self.channel.kept.take([Entry(self.channel.kept.position.next(), document)])
        self.reasons.go_on(self.channel)

    def told(self, now: float, waiting: JobWaiting | None = NOBODY) -> list[bytes]:
        told = {} if waiting is None else {REF: waiting}
        return [data for _, data in self.reasons.news(told, {REF: self.channel}, now)]


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_job_is_asked_about_each_second_and_not_before_the_last_answer(site: Site) -> None:
    assert site.reasons.due(0.0) == (REF,)
    assert site.reasons.due(5.0) == ()
    site.told(5.0)
    assert site.reasons.due(5.0) == (REF,)
    site.told(5.1)
    assert site.reasons.due(5.0 + ASK_SECONDS / 2) == ()
    assert site.reasons.due(5.0 + ASK_SECONDS) == (REF,)


def test_what_was_said_is_said_again_to_a_new_reader_and_after_a_while(site: Site) -> None:
    (data,) = site.told(1.0)
    assert data.startswith(b'data: {"type":"waiting"')
    assert b"id:" not in data
    assert site.told(2.0) == []
    site.come()
    assert site.told(3.0) == [data]
    assert site.told(4.0, NOBODY.model_copy(update={"workers": 1})) != []
    assert site.told(5.0, None) == []
    assert site.told(4.0 + SAY_AGAIN_SECONDS, NOBODY.model_copy(update={"workers": 1})) != []


def test_a_job_that_began_or_that_nobody_watches_is_not_asked_about(site: Site) -> None:
    site.reasons.due(0.0)
    site.become(RUNNING)
    assert site.told(1.0) == []
    assert site.reasons.due(9.0) == ()
    site.become(b'{"type":"status","status":"retrying"}')
    assert site.reasons.due(10.0) == (REF,)
    site.told(10.0)
    site.channel.delivery.live.clear()
    assert site.reasons.due(20.0) == ()


def test_a_feed_waits_for_nothing() -> None:
    reasons, channel = Reasons(), Channel(FeedRef("anna"))
    reasons.begin(channel)
    assert reasons.due(0.0) == ()
