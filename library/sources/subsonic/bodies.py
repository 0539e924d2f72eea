"""The bytes of an answer, and never more of them than a bound, packed or not."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

from .errors import AnswerRefused

#: The largest answer of the API, unpacked. A playlist of 20,000 songs has 20 MB.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
#: zlib: a head of gzip or zlib, whichever is there.
_ANY_HEAD = zlib.MAX_WBITS | 32


def read_bounded(response: httpx.Response, *, at_most: int = MAX_ANSWER_BYTES) -> bytes:
    """A whole body.

    Raises:
        AnswerRefused: it is too large or damaged.
    """
    found = bytearray()
    for piece in _unpacked(response, at_most):
        found += piece
        if len(found) > at_most:
            raise AnswerRefused("The server's answer is larger than any that it was asked for.")
    return bytes(found)


def _unpacked(response: httpx.Response, at_most: int) -> Iterator[bytes]:
    packed = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packed in ("identity", ""):
        yield from response.iter_raw()
        return
    if packed not in ("gzip", "deflate"):
        raise AnswerRefused("The server packs its answers in a way that it was not asked for.")
    unpacking = zlib.decompressobj(_ANY_HEAD)
    try:
        for piece in response.iter_raw():
            # One byte more than is allowed tells that there are too many.
            yield unpacking.decompress(piece, at_most + 1)
    except zlib.error:
        raise AnswerRefused("The server's answer is damaged.") from None
