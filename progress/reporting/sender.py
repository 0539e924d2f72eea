"""The sender: one thread appends all reports of a process, so that tasks never wait for the log."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Protocol

from ..errors import LogUnavailable
from ..forks import after_fork_in_child

logger = logging.getLogger(__name__)

#: Reports wait at most this long for others to go with.
GATHER_SECONDS = 0.02
#: The first and the longest pause between attempts to reach a log whose server is gone.
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.1, 1.0
#: The sender has each buffer without reports give a sign of life this often.
RENEW_SECONDS = 5.0


class Sender(Protocol):
    """A buffer for which `BackgroundSender` sends."""

    def send(self) -> None:
        """Send what is waiting.

        Raises:
            LogUnavailable: the log's server is gone. What was to be sent is kept.
        """
        ...

    def renew(self) -> None:
        """Give a sign of life."""
        ...

    def begin_anew(self) -> None:
        """In a child after a fork: what was to be sent is the parent's."""
        ...


class BackgroundSender:
    """One daemon thread for all reporters of a process; started by the first report.

    In an outage it says so once, tries again with growing pauses, and says when it is over.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: dict[Sender, None] = {}
        self._alive: dict[Sender, float] = {}
        self._urgent = False
        self._pid = 0
        self.in_outage = False
        after_fork_in_child(self._begin_anew)

    def _begin_anew(self) -> None:
        """In a child: the thread is the parent's, and so are the reporters it carries for."""
        self._condition = threading.Condition()
        theirs, self._waiting, self._alive = list(self._alive), {}, {}
        self._urgent = False
        for sender in theirs:
            sender.begin_anew()

    def add(self, sender: Sender) -> None:
        """Have a buffer give a sign of life regularly until it is removed."""
        with self._condition:
            self._alive[sender] = time.monotonic()
        self._start()

    def remove(self, sender: Sender) -> None:
        """Send for a buffer no longer."""
        with self._condition:
            self._alive.pop(sender, None)
            self._waiting.pop(sender, None)

    def wake(self, sender: Sender, *, urgent: bool = False) -> None:
        """Have a buffer's reports sent soon, or at once."""
        with self._condition:
            self._waiting[sender] = None
            self._urgent = self._urgent or urgent
            self._condition.notify_all()

    def _start(self) -> None:
        if self._pid == os.getpid():
            return
        # Threads do not survive a fork: each process starts its own.
        self._pid = os.getpid()
        threading.Thread(target=self._run, name="progress-sender", daemon=True).start()

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self._pid == os.getpid():
            batch = self._gather()
            try:
                spoke = self._deliver(batch) + self._renew()
            except LogUnavailable as error:
                self._outage(error, len(batch))
                time.sleep(pause)
                pause = min(pause * 2, LAST_PAUSE_SECONDS)
                continue
            except Exception:
                logger.exception("A report could not be sent.", extra={"action": "report_failed"})
                continue
            if spoke:
                pause = FIRST_PAUSE_SECONDS
                self._recovered()

    def _gather(self) -> list[Sender]:
        with self._condition:
            if not self._waiting:
                self._condition.wait(RENEW_SECONDS / 5)
            if self._waiting and not self._urgent:
                self._condition.wait_for(lambda: self._urgent, GATHER_SECONDS)
            self._urgent = False
            batch, self._waiting = list(self._waiting), {}
            return batch

    def _deliver(self, batch: list[Sender]) -> int:
        for position, sender in enumerate(batch):
            try:
                sender.send()
            except LogUnavailable:
                with self._condition:
                    self._waiting |= dict.fromkeys(batch[position:])
                raise
            with self._condition:
                if sender in self._alive:
                    self._alive[sender] = time.monotonic()
        return len(batch)

    def _renew(self) -> int:
        now = time.monotonic()
        with self._condition:
            due = [s for s, seen in self._alive.items() if now - seen >= RENEW_SECONDS]
            self._alive.update(dict.fromkeys(due, now))
        for sender in due:
            sender.renew()
        return len(due)

    def _outage(self, error: LogUnavailable, waiting: int) -> None:
        if not self.in_outage:
            logger.warning(
                "The log's server is gone; the reports of %d jobs wait for it. %s",
                waiting,
                error,
                extra={"action": "log_gone"},
            )
        self.in_outage = True

    def _recovered(self) -> None:
        if self.in_outage:
            logger.warning("The log's server is back.", extra={"action": "log_back"})
        self.in_outage = False
