"""The log protocol: what keeps a job's events, and what it promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .cursor import Cursor
from .events import FeedSnapshot, Snapshot
from .reports import Report


@dataclass(frozen=True, slots=True)
class JobRef:
    """Names the log of one job."""

    #: Whose job it is. All of an account's logs live together (on one node of a cluster).
    account: str
    job_id: str


@dataclass(frozen=True, slots=True)
class FeedRef:
    """Names the feed of one account."""

    account: str


LogRef = JobRef | FeedRef


@dataclass(frozen=True, slots=True)
class Entry:
    """One event at its position."""

    cursor: Cursor
    document: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Where a log stands."""

    cursor: Cursor
    #: It holds its job's terminal event: nothing follows.
    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an append."""

    #: The position of the log after the append.
    cursor: Cursor
    #: The attempt the log is in.
    attempt: int
    #: Somebody asked for the job to be cancelled.
    cancel_requested: bool = False
    #: The log had lost events that this writer knows it held (`seen`): it is a new epoch now.
    #: The writer says again what it knows.
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of a log is kept, and for how long."""

    #: Newest events kept of each job. Trimmed history is answered with a snapshot.
    job_events: int = 2_000
    feed_events: int = 1_000
    #: After the terminal status.
    ended_seconds: int = 24 * 3600
    #: After the last append or renewal of a live job: long, since a lease renews it.
    live_seconds: int = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Gap:
    """The cursor's next event is not retained, or the cursor is of another epoch or ahead."""


@dataclass(frozen=True, slots=True)
class Message:
    """A hint that a log grew: entries without holes, in order. The log is the truth."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Following:
    """A log is subscribed to: no later append goes by unheard."""

    ref: LogRef


@dataclass(frozen=True, slots=True)
class Revoked:
    """An account's sessions changed: its streams are to end."""

    account: str


Heard = tuple[LogRef, Message] | Following | Revoked


class Messages(Protocol):
    """The messages of many logs, and all revocations, for one thread that waits for descriptors.

    No method blocks. After one has raised `LogUnavailable` messages may have been missed, and
    there is nothing left but `close`.
    """

    def fileno(self) -> int:
        """A descriptor that can be read when there is something to take."""
        ...

    def follow(self, ref: LogRef) -> None:
        """Subscribe to a log. `take` says when it is done."""
        ...

    def leave(self, ref: LogRef) -> None:
        """Follow a log no longer."""
        ...

    def take(self) -> Sequence[Heard]:
        """What came since the last time, oldest first."""
        ...

    def check(self) -> None:
        """See whether the server is still there. Called a few times a second."""
        ...

    def close(self) -> None:
        """End all subscriptions."""
        ...


class Log(Protocol):
    """An append-only, bounded record of each job's events, and each account's feed.

    Guarantees, held by the contract tests in `progress.testing`:

    - Positions are dense within an epoch, and an epoch is new whenever events were lost.
    - An append is one atomic step: for every n, ``snapshot`` at n equals the fold of 1…n.
    - Counts follow from item transitions and go back only at a new attempt.
    - After a terminal status nothing is taken.
    - Who follows a log, waits until `Messages` says so and then reads misses nothing.

    Every method raises `LogUnavailable` when the server cannot do its part.
    """

    def append(
        self, ref: JobRef, reports: Sequence[Report], *, attempt: int, seen: Cursor | None = None
    ) -> Receipt:
        """Add what the reports come to, in one step. No reports: renew the log's life.

        `seen` is the last position this writer was told; it is how a loss is found out.

        Raises:
            StaleAttempt: a newer attempt has begun. Nothing was added.
            JobEnded: the terminal status is in the log already. Nothing was added.
        """
        ...

    def snapshot(self, ref: LogRef) -> tuple[Snapshot | FeedSnapshot, Cursor] | None:
        """The state and the position at which it holds, or None where there is no log."""
        ...

    def position(self, ref: LogRef) -> Position | None:
        """Where a log stands, without its state; None where there is no log."""
        ...

    def read(self, ref: LogRef, *, after: Cursor, limit: int = 1_000) -> Sequence[Entry] | Gap:
        """The entries that follow a position, oldest first; a gap where that cannot be said."""
        ...

    def messages(self) -> Messages:
        """Subscribe to revocations, for who is going to follow many logs at once."""
        ...

    def revoke(self, account: str) -> None:
        """Have every stream of an account ended, wherever it is served: its sessions changed."""
        ...

    def request_cancel(self, ref: JobRef) -> None:
        """Leave a flag that every later append of the job brings back to its writer."""
        ...

    def cancel_requested(self, ref: JobRef) -> bool:
        """Whether that flag is there."""
        ...
