"""The same bytes to many sockets: those that took less are named, and the others have all."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from progress.hub.sockets import prepare, write_to_each

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    pairs = [socket.socketpair() for _ in range(4)]
    for ours, theirs in pairs:
        prepare(ours.fileno())
        theirs.settimeout(5)
    yield pairs
    for pair in pairs:
        for end in pair:
            end.close()


def fds(pairs: list[Pair]) -> list[int]:
    return [ours.fileno() for ours, _ in pairs]


def test_all_get_all_of_it_zero_bytes_too(pairs: list[Pair]) -> None:
    data = b"a\0b" * 1_000
    assert write_to_each(fds(pairs), data) == []
    for _, theirs in pairs:
        assert theirs.recv(10_000) == data


def test_who_takes_less_is_told_with_how_much(pairs: list[Pair]) -> None:
    full, partial, gone, well = pairs
    while write_to_each([full[0].fileno()], b"x" * 4_096) == []:
        pass
    while write_to_each([partial[0].fileno()], b"x" * 4_096) == []:
        pass
    partial[1].recv(1 << 20)
    gone[1].close()
    large = b"y" * (1 << 22)
    found = dict(write_to_each(fds(pairs), large))
    assert found[full[0].fileno()] == 0
    assert 0 < found[partial[0].fileno()] < len(large)
    assert found[gone[0].fileno()] == -1
    assert 0 < found[well[0].fileno()] < len(large)
    assert well[1].recv(1) == b"y"


def test_a_number_that_is_no_descriptor_is_a_peer_that_is_gone(pairs: list[Pair]) -> None:
    closed = os.dup(pairs[0][0].fileno())
    os.close(closed)
    assert write_to_each([closed, pairs[1][0].fileno()], b"z") == [(closed, -1)]
    assert pairs[1][1].recv(1) == b"z"


def test_nothing_and_nobody_is_no_fault(pairs: list[Pair]) -> None:
    assert write_to_each([], b"z") == []
    assert write_to_each(fds(pairs), b"") == []
