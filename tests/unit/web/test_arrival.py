"""A request's end is found wherever it is cut, and nothing of it is lost or changed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.arrival import MAX_BODY_BYTES, MAX_HEAD_BYTES, Arrival, BodyRule

RULES = (
    BodyRule(prefix=b"/upload", longest_bytes=1000, least_bytes_per_second=100),
    BodyRule(longest_bytes=64),
)
CHUNKED = b"Transfer-Encoding: Chunked\r\n\r\n"
POST = b"POST /form HTTP/1.1\r\nHost: x\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a body": POST + b"content-length:  5\t\r\n\r\n\r\n\r\nx",
    "no byte of a body": POST + b"Content-Length: 0\r\n\r\n",
    "chunks": POST + CHUNKED + b"A;x\r\n\r\n0\r\n\r\n123\r\n0\r\n\r\n",
    "chunks with trailers": POST + CHUNKED + b"1\r\nx\r\n00\r\nA: b\r\n\r\n",
    "the PROXY protocol": b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + POST + b"\r\n",
    "its second version": b"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x06\r\n\r\n\r\n" + POST + b"\r\n",
}
CUT = {
    "no number": POST + b"Content-Length: -1\r\n\r\n",
    "a number of many digits": POST + b"Content-Length: " + b"1" * 20 + b"\r\n\r\n",
    "too long": POST + b"Content-Length: 65\r\n\r\n",
    "no chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
    "chunks of less than nothing": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "chunks that are too long": POST + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + b"x" * 70,
    "no request": b"x\r\nContent-Length: 5\r\n\r\n",
    "an endless head": b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD_BYTES,
}


def arrive(pieces: list[bytes]) -> tuple[Arrival, bytes]:
    """What becomes of a request that comes in pieces, none of which comes after its end."""
    arrival, given_on = Arrival(RULES), b""
    for number, piece in enumerate(pieces):
        assert not arrival.is_over, number
        given_on += arrival.take(piece)
    return arrival, given_on


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(0, 200), max_size=8))
def test_a_request_ends_with_its_last_byte_wherever_it_is_cut(name: str, cuts: list[int]) -> None:
    request = WHOLE[name]
    at = [0, *sorted(cut % len(request) for cut in cuts), len(request)]
    arrival, given_on = arrive([request[a:b] for a, b in pairwise(at)])
    assert arrival.is_over
    assert not arrival.is_cut
    assert given_on == request


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_that_lacks_a_byte_is_waited_for(name: str) -> None:
    request = WHOLE[name]
    arrival, _ = arrive([request[at : at + 1] for at in range(len(request) - 1)])
    assert not arrival.is_over
    arrival, _ = arrive([request[:-1]])
    assert not arrival.is_over


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_behind_a_request_are_given_on_with_it(name: str) -> None:
    arrival, given_on = arrive([WHOLE[name] + b"GET / HT"])
    assert arrival.is_over
    assert given_on == WHOLE[name] + b"GET / HT"


@pytest.mark.parametrize("name", CUT)
def test_a_request_that_is_too_long_or_malformed_is_given_on_as_it_came(name: str) -> None:
    arrival, given_on = arrive([CUT[name]])
    assert arrival.is_over
    assert arrival.is_cut
    assert given_on == CUT[name]


def test_a_wish_to_be_told_is_answered_here_and_not_by_the_server() -> None:
    head = b"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"
    for pieces, asks in (([head], True), ([head + b"x"], False)):
        arrival, given_on = arrive(pieces)
        assert arrival.asks == asks
        assert given_on == b"".join(pieces).replace(b"Expect: 100-Continue\r\n", b"")


@pytest.mark.parametrize("head", [b"POST / HTTP/1.0\r\nExpect: 100-continue", POST + b"Expect: x"])
def test_a_wish_that_no_server_of_today_grants_is_left_to_it(head: bytes) -> None:
    request = head + b"\r\nContent-Length: 1\r\n\r\n"
    arrival, given_on = arrive([request])
    assert not arrival.asks
    assert given_on == request


def test_an_upload_gets_time_for_what_has_come_of_it_and_a_form_does_not() -> None:
    for path, more_seconds in ((b"/upload/1", 5.0), (b"/form", 0.0)):
        head = b"POST " + path + b" HTTP/1.1\r\nContent-Length: 60\r\nX: "
        arrival, _ = arrive([head.ljust(496, b"x") + b"\r\n\r\n"])
        assert arrival.more_seconds == more_seconds


def test_the_application_refuses_by_the_length_that_is_waited_for() -> None:
    from web.app import MAX_BODY_BYTES as REFUSED
    from web.arrival import BODY_RULES

    assert BODY_RULES[-1] == BodyRule(longest_bytes=REFUSED)
    assert REFUSED == MAX_BODY_BYTES
