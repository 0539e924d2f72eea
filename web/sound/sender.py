"""The sender: one thread of a process that writes sounds to clients, however slowly they read.

A client's socket leaves gunicorn's worker (`progress.wsgi.leaving`), so a listener costs two
descriptors and the kernel's buffer, and no thread.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass

from library.sound.content import Lost
from progress.errors import ServerFull, TooManyStreams

from .delivery import Delivery

logger = logging.getLogger(__name__)

#: How often sounds that are still being made are looked at.
_LOOK_SECONDS = 0.05
_RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundLimits:
    """What the listeners of one process may take."""

    #: A page that plays has one or two, and one more for each song that was stopped just now.
    each_account: int = 12
    in_all: int = 500
    #: A client that takes nothing for so long is left. A player that was paused comes back by a
    #: range. Of one that reads 1 KB/s the kernel may tell only once in a minute that it does.
    idle_seconds: float = 180.0
    #: The longest that one response may take.
    longest_seconds: float = 4 * 3600.0
    #: What can be sent within this time after `drain` is sent.
    drain_seconds: float = 2.0


class Sender:
    """The deliveries of one process. Its thread begins with the first, and ends after `drain`."""

    def __init__(self, limits: SoundLimits | None = None) -> None:
        self.limits = limits or SoundLimits()
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._new: deque[Delivery] = deque()
        self._open: set[Delivery] = set()
        self._thread: threading.Thread | None = None
        #: A pipe that wakes the thread. It is made with the thread: a process that forks before
        #: would share it.
        self._woken = self._wake = -1
        self._closes_at: float | None = None
        self._idle_look_seconds = min(1.0, self.limits.idle_seconds / 4)

    def admit(self, account: str) -> None:
        """Keep a place for an account's response, until it is given back.

        Raises:
            TooManyStreams: the account or the process has as many as it may have.
        """
        with self._lock:
            if self._held[account] >= self.limits.each_account:
                raise TooManyStreams(self.limits.each_account, _RETRY_AFTER_SECONDS)
            if self._held.total() >= self.limits.in_all:
                raise ServerFull(self.limits.in_all, _RETRY_AFTER_SECONDS)
            self._held[account] += 1

    def give_back(self, account: str) -> None:
        """Give a place back."""
        with self._lock:
            self._held[account] -= 1
            if self._held[account] <= 0:
                del self._held[account]

    @property
    def held(self) -> int:
        """How many places are kept."""
        with self._lock:
            return self._held.total()

    def add(self, delivery: Delivery) -> None:
        """Take a response over, with its place.

        Raises:
            OSError: the process is about to end, or the client has gone.
        """
        if self._closes_at is not None:
            raise OSError("this process is about to end")
        delivery.prepare()
        with self._lock:
            if self._thread is None:
                self._begin()
            self._new.append(delivery)
        self._ring()

    def drain(self) -> None:
        """Take no more, send what can be sent within a moment, and end.

        A signal's handler may call it: it takes no lock.
        """
        if self._closes_at is None:
            self._closes_at = time.monotonic() + self.limits.drain_seconds
        self._ring()

    def join(self) -> None:
        """Wait for the end, after `drain`."""
        if self._thread is not None:
            self._thread.join(self.limits.drain_seconds + 1)

    def _begin(self) -> None:
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._thread = threading.Thread(target=self._run, name="sounds", daemon=True)
        self._thread.start()

    def _ring(self) -> None:
        with suppress(OSError):  # it rings already, or nothing was ever sent
            os.write(self._wake, b"!")

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            look_at = 0.0
            while not self._is_done():
                for key, _ in selector.select(self._pause()):
                    self._turn(selector, key.data)
                for delivery in [d for d in self._open if d.waits_for_sound]:
                    if delivery.has_gone():
                        self._end(selector, delivery)
                    else:
                        self._send(selector, delivery)
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + self._idle_look_seconds
                    self._end_idle(selector)
            self._take_new(selector)
            for delivery in tuple(self._open):
                self._end(selector, delivery)
        os.close(self._woken)

    def _is_done(self) -> bool:
        if self._closes_at is None:
            return False
        return not (self._open or self._new) or time.monotonic() >= self._closes_at

    def _pause(self) -> float | None:
        if self._closes_at is not None or any(d.waits_for_sound for d in self._open):
            return _LOOK_SECONDS
        return self._idle_look_seconds if self._open else None

    def _turn(self, selector: selectors.BaseSelector, delivery: Delivery | None) -> None:
        if delivery is not None:
            self._send(selector, delivery)
            return
        os.read(self._woken, 4_096)
        self._take_new(selector)

    def _take_new(self, selector: selectors.BaseSelector) -> None:
        while self._new:
            delivery = self._new.popleft()
            self._open.add(delivery)
            selector.register(delivery.client, selectors.EVENT_WRITE, delivery)

    def _send(self, selector: selectors.BaseSelector, delivery: Delivery) -> None:
        did_wait = delivery.waits_for_sound
        try:
            is_over = delivery.send_some()
        except (OSError, Lost) as error:
            logger.debug("A sound was not sent to its end: %r", error)
            is_over = True
        except Exception:
            # All other listeners are sent to by this thread, too.
            logger.exception("A sound was not sent.", extra={"action": "not_sent"})
            is_over = True
        if delivery.waits_for_sound != did_wait:
            # A socket with room would wake the loop all the time while there is nothing to send.
            if delivery.waits_for_sound:
                selector.unregister(delivery.client)
            else:
                selector.register(delivery.client, selectors.EVENT_WRITE, delivery)
        if is_over:
            self._end(selector, delivery)

    def _end_idle(self, selector: selectors.BaseSelector) -> None:
        now = time.monotonic()
        for delivery in tuple(self._open):
            is_idle = delivery.idle_seconds(now) > self.limits.idle_seconds
            if is_idle or now - delivery.begun > self.limits.longest_seconds:
                self._end(selector, delivery)

    def _end(self, selector: selectors.BaseSelector, delivery: Delivery) -> None:
        if not delivery.waits_for_sound:
            selector.unregister(delivery.client)
        self._open.discard(delivery)
        delivery.close()
        self.give_back(delivery.account)
