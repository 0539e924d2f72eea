"""Many streams in one thread: logs are followed once, and the same bytes go to all who read them.

A reader costs a descriptor and a few hundred bytes. It holds a position, not a queue: one
that takes less than it is sent is written to again when it can take more, from the frames
that are kept or from the log.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakMethod

from ..errors import TooManyStreams
from ..forks import after_fork_in_child
from ..limits import StreamLimits
from ..log import Log
from ..metrics import HubMetrics
from .admission import Admission
from .distributor import Distributor
from .reader import Reader
from .sockets import Write, write_to_each


@dataclass(eq=False)
class Hub:
    """The streams of a process. May be called from any thread; its own start with the first.

    `admit` comes before `add`: every stream that was admitted is either added or given up.
    """

    log: Log
    limits: StreamLimits = field(default_factory=StreamLimits)
    write: Write = write_to_each
    #: What a stream costs of the descriptors that the process may have.
    descriptors_each: int = 1
    #: Whether events are looked into for when they were made.
    measures_lag: bool = False

    def __post_init__(self) -> None:
        self._distributor: Distributor | None = None
        self._renew()
        after_fork_in_child(self._renew)
        # Not the method itself, which would keep the hub for as long as the process.
        close = WeakMethod(self.close)
        atexit.register(lambda: (method := close()) and method())

    def _renew(self) -> None:
        """Begin anew: in a child after a fork, what the parent serves is none of its business."""
        if self._distributor is not None:
            self._distributor.abandon()
        self._distributor = None
        self._lock = threading.Lock()
        self._is_closing = False
        self.metrics = HubMetrics()
        self._admission = Admission(self.limits, descriptors_each=self.descriptors_each)

    @property
    def streams(self) -> int:
        """How many streams are admitted."""
        return self._admission.total

    @property
    def is_closing(self) -> bool:
        """Whether no stream is taken any more."""
        return self._is_closing

    def admit(self, account: str) -> None:
        """Count a stream that is to be added.

        Raises:
            TooManyStreams: the account, or the process, has as many as it may.
        """
        try:
            self._admission.admit(account)
        except TooManyStreams:
            self.metrics.refused += 1
            raise

    def give_up(self, account: str) -> None:
        """Count a stream no longer that was admitted and not added."""
        self._admission.leave(account)

    def add(self, reader: Reader) -> None:
        """Have an admitted reader served. Its descriptor is closed when its stream ends."""
        if self._is_closing:
            os.close(reader.fd)
            self.give_up(reader.ref.account)
            return
        self._started().add(reader)

    def listen(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Have something called in the hub's own thread whenever a descriptor can be read."""
        self._started().listen(fd, on_readable)

    def forget(self, fd: int) -> None:
        """Listen to a descriptor no more. From the hub's own thread."""
        self._started().forget(fd)

    def drain(self) -> None:
        """End every stream between two frames, with a hint to come back, and take no new one.

        Returns at once; may be called from a signal handler.
        """
        self._is_closing = True
        if self._distributor is not None:
            self._distributor.post(self._distributor.drain)

    def close(self, *, seconds: float = 2.0) -> None:
        """As `drain`; returns when it is done."""
        self.drain()
        if self._distributor is not None:
            self._distributor.close(seconds=seconds)

    def _started(self) -> Distributor:
        with self._lock:
            if self._distributor is None:
                distributor = Distributor(
                    self.log,
                    self.limits,
                    self.write,
                    self.metrics,
                    measures_lag=self.measures_lag,
                    on_ended=self.give_up,
                )
                distributor.start()
                self._distributor = distributor
            return self._distributor
