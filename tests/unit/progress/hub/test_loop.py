"""The hub's loop: what it calls, and in which order."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from progress.hub.loop import Loop

#: Stands among the descriptors that are gone for when others were taken.
TAKEN = -1


class Told:
    """A loop, and what it told."""

    def __init__(self) -> None:
        self.left: list[int] = []
        self.on_gone: Callable[[int], None] = self.left.append
        self.loop = Loop(self)

    def gone(self, fd: int) -> None:
        self.on_gone(fd)

    def writable(self, fd: int) -> None: ...

    def tick(self, now: float) -> None: ...


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    yield told
    told.loop.stop()
    told.loop.post(lambda: None)
    told.loop.join(seconds=5)


def test_a_descriptor_that_is_given_is_not_taken_for_the_closed_one_of_its_number(
    told: Told,
) -> None:
    """Two streams leave and a third comes, all in one wait: the third has an old number."""
    loop, done = told.loop, threading.Event()
    first, second = socket.socketpair(), socket.socketpair()
    wake, woken = socket.socketpair()
    given: list[int] = []

    def leave(fd: int) -> None:
        # Both end with the first to be told of, as by a sign-out.
        told.left.append(fd)
        for stream in (first[0], second[0]):
            if stream.fileno() >= 0:
                loop.forget(stream.fileno())
                stream.close()

    def take() -> None:
        wake_data = woken.recv(1)
        assert wake_data
        given.extend(os.dup(woken.fileno()) for _ in range(4))
        for fd in given:
            loop.follow(fd)
        told.left.append(TAKEN)
        loop.post(done.set)

    told.on_gone = leave
    numbers = {first[0].fileno(), second[0].fileno()}
    loop.listen_for_descriptors(woken.fileno(), take)
    for stream in (first, second):
        loop.follow(stream[0].fileno())
    # This is the order in which they are told of.
    first[1].close()
    wake.send(b"!")
    second[1].close()
    loop.start()
    assert done.wait(5)
    assert numbers <= set(given)
    assert told.left[-1] == TAKEN
    for fd in given:
        os.close(fd)
    wake.close()
    woken.close()


def test_a_loop_knows_its_own_thread(told: Told) -> None:
    found: list[bool] = []
    done = threading.Event()
    told.loop.post(lambda: (found.append(told.loop.is_here), done.set()))
    told.loop.start()
    assert done.wait(5)
    assert found == [True]
    assert not told.loop.is_here


def test_what_is_to_be_done_at_a_time_is_done_then_and_in_order(told: Told) -> None:
    loop, done = told.loop, threading.Event()
    order: list[str] = []
    began = time.monotonic()
    loop.at(began + 0.10, lambda: order.append("second"))
    loop.at(began + 0.05, lambda: order.append("first"))
    loop.at(began + 0.15, done.set)
    loop.start()
    assert done.wait(5)
    assert time.monotonic() >= began + 0.15
    assert order == ["first", "second"]
