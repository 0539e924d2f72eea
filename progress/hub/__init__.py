"""Many streams in one thread: each log is followed once, and the same bytes go to all its readers.

A reader costs a descriptor and a few hundred bytes. The hub holds a position for each reader, and
no queue. A reader that takes less than it is sent is written to again when it can take more, from
the frames that the hub keeps or from the log.

The states of a stream, and what moves it on::

    admitted ──────────── Hub.give_up ───────────────▶ (counted no longer)
       │ Hub.add
       ▼
    Replays.open ◀──────────────────────────────────────────────────┐
       │     │ what is kept does not reach back to the cursor       │
       │     ▼                                                      │ State, Page
       │   asking      in Questions, until the Fetcher answers ─────┤
       │     ▲                                                      │ NoLog
       │     │ StreamOwner.behind                                   ▼
       │     │                                          early       in Inquiry.early, until a
       │     │                                              │       message says that there is a log
       ▼     │                                              └─────▶ asking, then Replays.open
     live ───┤         in Delivery.live: has every frame up to Delivery.sent
      │ ▲    │
      │ └──┐ │ Writer._join
      ▼    │ │
    lagging ─┘         in Delivery.lagging: took a part of a write; Writer.catch_up writes the rest

    every state ────▶ ended    Writer.end: the client left, or has the terminal event
                               Writer.dismiss: with a hint when to come back (a life that is over,
                               a sign-out, lost messages, a reader that stalls, the hub's own end)

`Hub` is what others call. Its parts, each used by the loop's thread alone except where it says so:

- `Loop` waits for descriptors and for times. It tells a `Watcher`.
- `Subscriptions` and `Fetcher` (a thread of its own) bring what the log says. They tell a
  `LogListener`.
- `Writer` writes to sockets. It tells a `StreamOwner`.
- `Distributor` is the watcher, the listener and the owner, and passes on what it is told.
- `Channels` has a `Channel` for each log, in three parts that have one writer each: `Kept` and
  `Inquiry` (written by `Replays`), `Delivery` (written by `Writer`).
- `Replays` brings readers to where a log stands, `OpenStreams` ends streams, and `Admission`
  counts them, for any thread.
- `Waits` answers readers that want one page of events, from a stream that each is given.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakMethod

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
    """The streams of a process. Any thread may call it; the first stream starts its own threads.

    `admit` comes before `add`: every stream that was admitted is either added or given up.
    """

    log: Log
    limits: StreamLimits = field(default_factory=StreamLimits)
    write: Write = write_to_each
    #: How many descriptors of this process a stream takes.
    descriptors_each: int = 1
    #: Whether `metrics` tells the time from an event to its first write. Each event is then parsed.
    measures_lag: bool = False

    def __post_init__(self) -> None:
        self._distributor: Distributor | None = None
        self._renew()
        after_fork_in_child(self._renew)
        # The method itself would keep the hub alive for as long as the process.
        close = WeakMethod(self.close)
        atexit.register(lambda: (method := close()) and method())

    def _renew(self) -> None:
        """Begin without streams. A child after a fork does not serve its parent's."""
        if self._distributor is not None:
            self._distributor.abandon()
        self._distributor = None
        self._lock = threading.Lock()
        self._is_closing = False
        self.metrics = HubMetrics()
        self._admission = Admission(
            self.limits, self.metrics, descriptors_each=self.descriptors_each
        )

    @property
    def streams(self) -> int:
        """How many streams are admitted."""
        return self._admission.total

    @property
    def is_closing(self) -> bool:
        """Whether the hub takes no new stream."""
        return self._is_closing

    def admit(self, account: str) -> None:
        """Count a stream that is to be added.

        Raises:
            TooManyStreams: the account, or the process, has as many as it may.
        """
        self._admission.admit(account)

    def give_up(self, account: str) -> None:
        """Count a stream no longer that was admitted and not added."""
        self._admission.leave(account)

    def add(self, reader: Reader) -> None:
        """Serve an admitted reader. The hub closes its descriptor when the stream ends."""
        if self._is_closing:
            os.close(reader.fd)
            self.give_up(reader.request.ref.account)
            return
        self._started().add(reader)

    def listen(self, fd: int, on_readable: Callable[[], None]) -> None:
        """Call a function in the hub's own thread whenever a descriptor can be read."""
        self._started().listen(fd, on_readable)

    def forget(self, fd: int) -> None:
        """Stop listening to a descriptor. The hub's own thread calls this."""
        self._started().forget(fd)

    def drain(self) -> None:
        """End every stream between two frames, with a hint to come back, and take no new one.

        Returns at once. A signal handler may call it.
        """
        self._is_closing = True
        if self._distributor is not None:
            self._distributor.post(self._distributor.drain)

    def close(self, *, seconds: float = 2.0) -> None:
        """Drain, and return when every stream has ended."""
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
                    self._admission,
                    measures_lag=self.measures_lag,
                )
                distributor.start()
                self._distributor = distributor
            return self._distributor
