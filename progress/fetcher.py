"""The one thread that asks a log, for a hub whose own thread must never wait."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .cursor import Cursor
from .errors import LogUnavailable
from .events import FeedSnapshot, Snapshot
from .log import Entry, Gap, Lapse, Log, LogRef, Message

logger = logging.getLogger(__name__)

#: Between attempts to reach a log whose server is gone.
RETRY_SECONDS = 0.5
#: Entries read at once.
PAGE = 500

#: What was found: a state and where it holds (None where there is no log), or entries.
Found = tuple[Snapshot | FeedSnapshot, Cursor] | None | list[Entry]


@dataclass(frozen=True, slots=True)
class Want:
    """A question: everything after a cursor, or the state where there is none."""

    ref: LogRef
    after: Cursor | None


class Fetcher:
    """Answers questions one after the other, each until the server is there to answer it."""

    def __init__(
        self,
        log: Log,
        *,
        on_found: Callable[[Want, Found], None],
        on_message: Callable[[LogRef, Message | Lapse], None],
    ) -> None:
        self._log = log
        self._on_found = on_found
        self._on_message = on_message
        self._wanted: queue.SimpleQueue[Want | LogRef | None] = queue.SimpleQueue()
        #: What ends each subscription.
        self._watched: dict[LogRef, Callable[[], None]] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="progress-fetcher", daemon=True)
        self._thread.start()

    def ask(self, want: Want) -> None:
        """Put a question. The log is subscribed to before it is read."""
        self._wanted.put(want)

    def leave(self, ref: LogRef) -> None:
        """Follow a log no longer."""
        self._wanted.put(ref)

    def close(self) -> None:
        """End the thread and all subscriptions."""
        self._closed = True
        self._wanted.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed:
            wanted = self._wanted.get()
            if isinstance(wanted, Want):
                self._answer(wanted)
            elif wanted is not None and (stop := self._watched.pop(wanted, None)):
                stop()
        for stop in self._watched.values():
            stop()

    def _answer(self, want: Want) -> None:
        while not self._closed:
            try:
                self._on_found(want, self._find(want))
            except LogUnavailable as error:
                logger.info("%s", error, extra={"action": "fetch_waits"})
                time.sleep(RETRY_SECONDS)
            except Exception:
                logger.exception("A log could not be read.", extra={"action": "fetch_failed"})
                return
            else:
                return

    def _find(self, want: Want) -> Found:
        ref = want.ref
        if ref not in self._watched:
            self._watched[ref] = self._log.watch(ref, lambda came: self._on_message(ref, came))
        if want.after is not None:
            entries = self._log.read(ref, after=want.after, limit=PAGE)
            if not isinstance(entries, Gap):
                return list(entries)
        return self._log.snapshot(ref)
