"""Batches on one connection, each sent before the receipt of the one before it is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import redis

from ..cursor import Cursor
from ..log import JobRef, Receipt
from ..reports import Report
from .connection import ProcessClient, unavailable
from .replies import receipt

#: The keys and the arguments of the script that appends.
Call = tuple[Sequence[str], Sequence[str | bytes | int]]


class RedisPipeline:
    """See `progress.log.AppendPipeline`.

    Args:
        call_of: The call for a job, a batch, an attempt and the position last seen.
    """

    def __init__(
        self,
        process: ProcessClient,
        call_of: Callable[[JobRef, Sequence[Report], int, Cursor | None], Call],
        ref: JobRef,
        *,
        attempt: int,
    ) -> None:
        self._process = process
        self._call_of = call_of
        self._ref = ref
        self._attempt = attempt
        self._calls: deque[Call | Exception] = deque()
        with unavailable():
            self._conversation = process.commands.conversation()

    def send(self, reports: Sequence[Report], *, seen: Cursor | None = None) -> None:
        """See `AppendPipeline.send`."""
        try:
            call = self._call_of(self._ref, reports, self._attempt, seen)
        except Exception as error:
            self._calls.append(error)
            return
        self._calls.append(call)
        with unavailable():
            self._conversation.send(*self._process.append_command(*call))

    def receipt(self) -> Receipt:
        """See `AppendPipeline.receipt`."""
        call = self._calls.popleft()
        if isinstance(call, Exception):
            raise call
        with unavailable():
            try:
                reply = self._conversation.reply()
            except redis.exceptions.NoScriptError:  # a server that is new, or has forgotten it
                # It did not know it for the batches behind this one either, but may for the next.
                self._conversation.leave()
                reply = self._process.append(*call)
        return receipt(reply, self._ref, self._attempt)

    def close(self) -> None:
        """See `AppendPipeline.close`."""
        self._conversation.close()
