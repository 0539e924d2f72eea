"""The one thread that asks a log, for a hub whose own thread must never wait."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..cursor import Cursor
from ..errors import LogUnavailable
from ..events import FeedSnapshot, Snapshot
from ..log import Entry, Gap, Log, LogRef, Messages

logger = logging.getLogger(__name__)

#: Between attempts to reach a log whose server is gone.
RETRY_SECONDS = 0.5
#: Read at once, and of that handed on at once: a reader who takes nothing of it holds it.
_PAGE, _PAGE_BYTES = 500, 128 * 1024


@dataclass(frozen=True, slots=True)
class Want:
    """A question: what follows a cursor, or the state where there is none."""

    ref: LogRef
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class State:
    """An answer: a state and where it holds."""

    snapshot: Snapshot | FeedSnapshot
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: the entries that follow, and whether these are all."""

    entries: tuple[Entry, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class NoLog:
    """An answer: there is none."""


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer: the question cannot be put."""


Found = State | Page | NoLog | Failure


class Fetcher:
    """Answers questions one after the other, each until the server is there to answer it."""

    def __init__(
        self,
        log: Log,
        *,
        on_found: Callable[[Want, Found], None],
        on_connected: Callable[[Messages], None],
    ) -> None:
        self._log = log
        self._on_found = on_found
        self._on_connected = on_connected
        #: None asks for a connection.
        self._wanted: queue.SimpleQueue[Want | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress-fetcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ask(self, want: Want) -> None:
        """Put a question."""
        self._wanted.put(want)

    def connect(self) -> None:
        """Have a connection made that brings messages."""
        self._wanted.put(None)

    def close(self, *, seconds: float) -> None:
        """End the thread."""
        self._closed.set()
        self._wanted.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closed.is_set():
            wanted = self._wanted.get()
            if self._closed.is_set():
                return
            if wanted is None:
                self._connect()
            else:
                self._answer(wanted)

    def _connect(self) -> None:
        try:
            self._on_connected(self._log.messages())
        except Exception as error:
            self._wanted.put(None)
            self._rest(error)

    def _answer(self, want: Want) -> None:
        try:
            self._on_found(want, self._find(want))
        except LogUnavailable as error:
            # Behind the others: of a cluster, another node may be there.
            self._wanted.put(want)
            self._rest(error)
        except Exception:
            logger.exception("A log could not be read.", extra={"action": "fetch_failed"})
            self._on_found(want, Failure())

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
        return NoLog() if found is None else State(*found)


def _page(entries: tuple[Entry, ...]) -> Page:
    size = 0
    for number, entry in enumerate(entries):
        size += len(entry.document)
        if size > _PAGE_BYTES and number:
            return Page(entries[:number], is_last=False)
    return Page(entries, is_last=len(entries) < _PAGE)
