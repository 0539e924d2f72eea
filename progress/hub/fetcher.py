"""The thread that asks a log questions, since the loop's thread must never wait for a server."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ..aliases import locate
from ..cursor import Cursor
from ..errors import LogUnavailable, MessagesRefused
from ..events import FeedSnapshot, JobWaiting, Snapshot
from ..log import Entry, Gap, Heard, JobRef, Log, LogRef, Messages
from ..queues import SupportsQueues
from .loop import Loop

logger = logging.getLogger(__name__)

#: The pause between attempts to reach a log whose server is gone.
RETRY_SECONDS = 1.0
#: How many entries are read at once, and how many bytes of them are passed on at once: a reader
#: that takes none of it holds it in memory.
_PAGE, _PAGE_BYTES = 500, 128 * 1024


@dataclass(frozen=True, slots=True)
class Want:
    """A question: what follows a cursor, or the state where there is no cursor."""

    ref: LogRef
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class State:
    """An answer: a state and the position at which it holds."""

    snapshot: Snapshot | FeedSnapshot
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: the entries that follow the cursor, and whether these are all."""

    entries: tuple[Entry, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class NoLog:
    """An answer: there is no log."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An answer: the id is no job's own, and leads to another log. Whoever comes anew is shown it.

    Only a reader who came while the log could not be asked is here with such an id.
    """


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer: asking raised an exception that trying again would not help."""


Found = State | Page | NoLog | Elsewhere | Failure


class LogListener(Protocol):
    """Is told, in the loop's thread, what comes from a log."""

    def answered(self, want: Want, found: Found) -> None:
        """A question was answered."""
        ...

    def told_why(self, told: Mapping[JobRef, JobWaiting]) -> None:
        """Why the jobs wait that were asked about, of those of which it is known."""
        ...

    def connected(self, messages: Messages) -> None:
        """A connection was made that brings messages."""
        ...

    def heard(self, heard: Sequence[Heard]) -> None:
        """Messages came, in this order."""
        ...

    def lost(self) -> None:
        """That connection is gone: messages are missed until there is another."""
        ...

    def refused(self) -> None:
        """Messages are not to be had: logs are to be looked at without."""
        ...


class Fetcher:
    """Answers questions one after the other, each until the server is there to answer it."""

    def __init__(self, log: Log, loop: Loop, listener: LogListener) -> None:
        self._log, self._loop, self._listener = log, loop, listener
        #: Jobs ask why they wait; None asks for a connection.
        self._wanted: queue.SimpleQueue[Want | tuple[JobRef, ...] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        #: Whether the last connection was refused; it is said once.
        self._is_refused = False
        self._thread = threading.Thread(target=self._run, name="progress-fetcher", daemon=True)

    # -- from any thread -----------------------------------------------------------------

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ask(self, want: Want) -> None:
        """Put a question; the listener is told the answer."""
        self._wanted.put(want)

    def ask_why(self, refs: tuple[JobRef, ...]) -> None:
        """Ask why jobs wait; the listener is told, also where that cannot be asked."""
        self._wanted.put(refs)

    def connect(self) -> None:
        """Make a connection that brings messages; the listener is given it."""
        self._wanted.put(None)

    def close(self, *, seconds: float) -> None:
        """End the thread."""
        self._closed.set()
        self._wanted.put(None)
        self._thread.join(seconds)

    # -- from its own thread -------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed.is_set():
            wanted = self._wanted.get()
            if self._closed.is_set():
                return
            if wanted is None:
                self._connect()
            elif isinstance(wanted, Want):
                self._answer(wanted)
            else:
                self._tell_why(wanted)

    def _connect(self) -> None:
        try:
            messages = self._log.messages()
        except MessagesRefused as error:
            if not self._is_refused:
                logger.warning("%s", error, extra={"action": "messages_refused"})
            self._is_refused = True
            self._loop.post(self._listener.refused)
        except Exception as error:
            self._wanted.put(None)
            self._rest(error)
        else:
            self._is_refused = False
            self._loop.post(partial(self._listener.connected, messages))

    def _answer(self, want: Want) -> None:
        try:
            found = self._find(want)
        except LogUnavailable as error:
            # Behind the other questions: another node of a cluster may be there.
            self._wanted.put(want)
            self._rest(error)
            return
        except Exception:
            logger.exception("A log could not be read.", extra={"action": "fetch_failed"})
            found = Failure()
        self._loop.post(partial(self._listener.answered, want, found))

    def _tell_why(self, refs: tuple[JobRef, ...]) -> None:
        told: dict[JobRef, JobWaiting] = {}
        try:
            if isinstance(self._log, SupportsQueues):
                found = zip(refs, self._log.queues.why(refs), strict=True)
                told = {ref: waiting for ref, waiting in found if waiting is not None}
        except LogUnavailable as error:
            logger.info("%s", error, extra={"action": "why_waits"})
        except Exception:
            logger.exception("Why jobs wait could not be asked.", extra={"action": "why_failed"})
        self._loop.post(partial(self._listener.told_why, told))

    def _rest(self, error: Exception) -> None:
        logger.info("%s", error, extra={"action": "fetch_waits"})
        self._closed.wait(RETRY_SECONDS)

    def _find(self, want: Want) -> Found:
        ref = want.ref
        if want.after is not None:
            entries = self._log.read(ref, after=want.after, limit=_PAGE)
            if not isinstance(entries, Gap):
                return _page(tuple(entries))
        found = self._log.snapshot(ref)
        if found is not None:
            return State(*found)
        return NoLog() if locate(self._log, ref)[0] == ref else Elsewhere()


def _page(entries: tuple[Entry, ...]) -> Page:
    size = 0
    for number, entry in enumerate(entries):
        size += len(entry.document)
        if size > _PAGE_BYTES and number:
            return Page(entries[:number], is_last=False)
    return Page(entries, is_last=len(entries) < _PAGE)
