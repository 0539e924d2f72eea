"""Why jobs wait, in this process's memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from ..events import JobWaiting
from ..log import JobRef
from ..queues import Destination, QueueLook, QueueState, why_waiting

#: As the Redis log has it: how long somebody's question counts, and how often a queue is looked at.
_WANTED_SECONDS, _LOOK_SECONDS = 15.0, 3.0


class MemoryQueueBook:
    """Why the jobs of one process wait.

    Args:
        waits: Whether a job waits; None where it has no log.
    """

    def __init__(
        self,
        waits: Callable[[JobRef], bool | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waits, self._clock = waits, clock
        self._lock = threading.Lock()
        self._sent: dict[JobRef, Destination] = {}
        #: Until when each worker takes each queue, by queue and worker.
        self._takers: dict[str, dict[str, float]] = {}
        self._seen: dict[str, tuple[float, QueueLook]] = {}
        self._looked_at: dict[str, float] = {}
        self._wanted_until = float("-inf")

    def sent(self, ref: JobRef, sent: Destination) -> None:
        """See `QueueBook.sent`."""
        if self._waits(ref) is not None:
            with self._lock:
                self._sent[ref] = sent

    def take(self, worker: str, queues: Sequence[str], *, seconds: float) -> Sequence[str]:
        """See `QueueBook.take`."""
        with self._lock:
            now = self._clock()
            for queue in queues:
                self._takers.setdefault(queue, {})[worker] = now + seconds
            due = [queue for queue in queues if self._is_due(queue, now)]
            self._looked_at |= dict.fromkeys(due, now)
            return due

    def _is_due(self, queue: str, now: float) -> bool:
        last = self._looked_at.get(queue, float("-inf"))
        return now < self._wanted_until and now - last >= _LOOK_SECONDS

    def leave(self, worker: str, queues: Sequence[str]) -> None:
        """See `QueueBook.leave`."""
        with self._lock:
            for queue in queues:
                self._takers.get(queue, {}).pop(worker, None)

    def looked(self, queue: str, look: QueueLook, *, seconds: float) -> None:
        """See `QueueBook.looked`."""
        with self._lock:
            self._seen[queue] = (self._clock() + seconds, look)

    def why(self, refs: Sequence[JobRef]) -> Sequence[JobWaiting | None]:
        """See `QueueBook.why`."""
        waiting = [ref for ref in refs if self._waits(ref)]
        with self._lock:
            self._wanted_until = self._clock() + _WANTED_SECONDS
            return [self._why(ref) if ref in waiting else None for ref in refs]

    def _why(self, ref: JobRef) -> JobWaiting | None:
        sent = self._sent.get(ref)
        if sent is None:
            return None
        return why_waiting(ref, sent, self._state(sent.queue), now=time.time())

    def _state(self, queue: str) -> QueueState:
        now = self._clock()
        takers = self._takers.get(queue, {})
        believed_until, look = self._seen.get(queue, (now, QueueLook(0)))
        return QueueState(
            sum(until > now for until in takers.values()), look if now < believed_until else None
        )
