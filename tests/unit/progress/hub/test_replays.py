"""A hub subscribes to a log before it reads it, and asks for no more than it needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from progress.cursor import Cursor
from progress.hub.channel import Channel, Stream
from progress.hub.fetcher import NoLog, Page, Want
from progress.hub.kept import Kept
from progress.hub.loop import Loop
from progress.hub.replays import Questions, Replays
from progress.hub.writer import Writer
from progress.log import Entry
from progress.metrics import HubMetrics
from progress.testing import fresh_ref


class Asked(list[Want]):
    """Stands for the fetcher's thread: keeps the questions that were put to it."""

    ask = list[Want].append


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def channel() -> Channel:
    return Channel(fresh_ref())


@pytest.fixture
def replays(asked: Asked) -> Iterator[Replays]:
    loop = Loop(None)  # type: ignore[arg-type] # it is not started
    writer = Writer(loop, lambda *_: [], HubMetrics(), None)  # type: ignore[arg-type] # no sockets
    yield Replays(writer, HubMetrics(), asked)  # type: ignore[arg-type]
    loop.discard()


def stream_of(channel: Channel) -> Stream:
    return Stream(7, channel, ends_at=1e9)


def test_a_question_waits_for_the_subscription_and_again_after_messages_were_lost(
    replays: Replays, asked: Asked, channel: Channel
) -> None:
    first, second = Want(channel.ref, Cursor(1, 5)), Want(channel.ref, Cursor(1, 6))
    replays.fetch(stream_of(channel), first.after)
    assert asked == []
    replays.follow(channel)
    assert asked == [first]
    replays.unfollow(channel)
    replays.fetch(stream_of(channel), second.after)
    assert asked == [first]
    replays.follow(channel)
    assert asked == [first, second]


def test_an_equal_question_is_asked_once_and_answered_for_all_who_are_still_there(
    asked: Asked, channel: Channel
) -> None:
    questions, want = Questions(asked), Want(channel.ref, None)  # type: ignore[arg-type]
    questions.begin(channel)
    here, gone = stream_of(channel), stream_of(channel)
    for stream in (here, gone):
        questions.ask(channel, want, (stream, None))
    assert (asked, channel.inquiry.asked) == ([want], 1)
    gone.is_open = False
    assert list(questions.streams()) == [here]
    assert questions.answered(channel, want) == [(here, None)]
    assert (channel.inquiry.asked, want in questions) == (0, False)


def test_a_message_after_a_hole_has_the_missing_entries_fetched_for_nobody_in_particular(
    replays: Replays, asked: Asked, channel: Channel
) -> None:
    replays.follow(channel)
    channel.kept = kept = Kept(Cursor(1, 5), can_end=True)
    channel.delivery.sent = 5
    assert not replays.came(channel, [Entry(Cursor(1, 7), b"{}")])
    missing = Want(channel.ref, Cursor(1, 5))
    assert asked == [missing]
    # Another message while the answer is on its way asks no second time, until the answer is there
    # and does not reach as far.
    assert not replays.came(channel, [Entry(Cursor(1, 8), b"{}")])
    assert asked == [missing]
    replays.answered(channel, missing, Page((Entry(Cursor(1, 6), b"{}"),), is_last=True))
    assert asked[1:] == [Want(channel.ref, Cursor(1, 6))]
    # A log that does not reach the message, since it lost it, is not asked for ever.
    replays.answered(channel, asked[1], Page((), is_last=True))
    assert (len(asked), kept.position) == (2, Cursor(1, 6))


def test_a_log_that_begins_while_the_answer_that_there_is_none_is_on_its_way_is_asked_for_again(
    replays: Replays, asked: Asked, channel: Channel
) -> None:
    replays.follow(channel)
    replays.open(stream_of(channel), None)
    nothing = Want(channel.ref, None)
    assert asked == [nothing]
    assert not replays.came(channel, [Entry(Cursor(1, 1), b"{}")])
    assert asked == [nothing]
    replays.answered(channel, nothing, NoLog())
    assert asked == [nothing] * 2
    # Once for the message: a log that went away again is not asked for ever.
    assert channel.inquiry.heard is None


def test_a_message_of_a_new_epoch_asks_for_the_state(
    replays: Replays, asked: Asked, channel: Channel
) -> None:
    replays.follow(channel)
    channel.kept = Kept(Cursor(1, 5), can_end=True)
    assert not replays.came(channel, [Entry(Cursor(2, 1), b"{}")])
    assert asked == [Want(channel.ref, None)]


def test_a_log_is_looked_at_only_while_somebody_reads_it(
    replays: Replays, asked: Asked, channel: Channel
) -> None:
    replays.follow(channel)
    channel.kept = Kept(Cursor(1, 5), can_end=True)
    replays.tend(channel)
    assert asked == []
    channel.delivery.live[7] = stream_of(channel)
    replays.tend(channel)
    assert asked == [Want(channel.ref, Cursor(1, 5))]


def test_a_log_is_looked_at_once_its_messages_cease(
    replays: Replays, asked: Asked, channel: Channel
) -> None:
    replays.follow(channel)
    channel.kept = Kept(Cursor(1, 5), can_end=True)
    channel.delivery.live[7] = stream_of(channel)
    for seq in (6, 7):
        replays.came(channel, [Entry(Cursor(1, seq), b"{}")])
        replays.tend(channel)
        assert asked == []
    replays.tend(channel)
    assert asked == [Want(channel.ref, Cursor(1, 7))]
