"""A report is either sent, or still the sender's to send: no moment is between the two."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from progress.cursor import Cursor
from progress.errors import LogUnavailable
from progress.events import JobStatus
from progress.log import JobRef, Receipt
from progress.reporting.buffer import ReportBuffer
from progress.reporting.sender import BackgroundSender
from progress.reports import Report
from progress.testing import FaultyLog, ForgetfulLog, fresh_ref, status


class Stuck(FaultyLog):
    """A log that takes a batch, and later says that its server is gone."""

    def __init__(self) -> None:
        super().__init__(ForgetfulLog())
        self.is_asked, self.may_fail = threading.Event(), threading.Event()

    def append(
        self, ref: JobRef, reports: Sequence[Report], *, attempt: int, seen: Cursor | None = None
    ) -> Receipt:
        self.is_asked.set()
        self.may_fail.wait(10)
        raise LogUnavailable("The server is gone.")


class Looked(deque[Report]):
    """What waits; a look that finds nothing lasts until the batch under way has come back."""

    def __init__(self, log: Stuck, sending: threading.Thread) -> None:
        super().__init__()
        self._log, self._sending, self.is_armed = log, sending, False

    def __bool__(self) -> bool:
        found = len(self) > 0
        if self.is_armed and threading.current_thread() is not self._sending:
            self._log.may_fail.set()
            self._sending.join(0.2)
        return found


class Kept(BackgroundSender):
    """A sender that sends nothing by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.removed = 0

    def _start(self) -> None:
        pass

    def remove(self, sender: object) -> None:
        self.removed += 1


def test_a_terminal_status_that_comes_back_while_the_buffer_is_closed_is_not_given_up() -> None:
    log, sender = Stuck(), Kept()
    buffer = ReportBuffer(
        log,
        fresh_ref(),
        attempt=1,
        sender=sender,
        repair=None,
        made_fit=lambda report: report,
        declared=lambda: 0,
        clock=time.time,
    )

    def send() -> None:
        with suppress(LogUnavailable):
            buffer.send()

    sending = threading.Thread(target=send)
    waiting = Looked(log, sending)
    buffer._waiting = waiting
    buffer.put(status(JobStatus.COMPLETED))
    sending.start()
    assert log.is_asked.wait(10)
    waiting.is_armed = True
    buffer.close()
    log.may_fail.set()
    sending.join()
    assert len(waiting) == 1
    assert sender.removed == 0
