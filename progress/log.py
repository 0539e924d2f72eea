"""The log protocol: what keeps a job's events, what it promises, and what it may be able to do.

Every log does what `Log` says. The protocols named ``Supports…`` are abilities: a log declares the
ones that it has (`SupportsLeases` and `SupportsParts` stand beside what they are of), and whoever
needs one does without it where it is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .cursor import Cursor
from .events import FeedSnapshot, Snapshot
from .reports import Report
from .run import Run


@dataclass(frozen=True, slots=True)
class JobRef:
    """Names the log of one job."""

    #: The account that the job belongs to. All its logs live together (on one node of a cluster).
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
    #: The log holds its job's terminal event: nothing follows.
    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to an append."""

    #: The position of the log after the append.
    cursor: Cursor
    #: The attempt the log is in.
    attempt: int
    #: Somebody asked for the job to be cancelled.
    cancel_requested: bool = False
    #: The log had lost events that this writer was told of (`seen`), and has begun a new epoch.
    #: The writer has to report again what it knows.
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of a log is kept, and for how long."""

    #: How many of the newest events of each job are kept. A reader that asks for older ones gets a
    #: snapshot.
    job_events: int = 2_000
    feed_events: int = 1_000
    #: How long a log is kept after its terminal status.
    ended_seconds: int = 24 * 3600
    #: How long a live job's log is kept after the last append or renewal. A lease renews it every
    #: few seconds, so this covers the longest time in which no worker runs.
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
        """Subscribe to a log. `take` says `Following` once that is done."""
        ...

    def leave(self, ref: LogRef) -> None:
        """End the subscription to a log."""
        ...

    def take(self) -> Sequence[Heard]:
        """What came since the last call, oldest first."""
        ...

    def check(self) -> None:
        """See whether the server is still there. The hub calls it a few times a second."""
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
    - A reader that follows a log, waits until `Messages` says so and then reads misses nothing.

    Every method raises `LogUnavailable` when the server cannot do its part.
    """

    def append(
        self, ref: JobRef, reports: Sequence[Report], *, attempt: int, seen: Cursor | None = None
    ) -> Receipt:
        """Add the events that the reports come to, in one step. No reports: renew the log's life.

        `seen` is the last position that this writer was told. A log that stands before it has lost
        events.

        Raises:
            StaleAttempt: a newer attempt has begun. Nothing was added.
            JobEnded: the terminal status is in the log already. Nothing was added.
        """
        ...

    def snapshot(self, ref: LogRef) -> tuple[Snapshot | FeedSnapshot, Cursor] | None:
        """The state and the position at which it holds, or None where there is no log."""
        ...

    def position(self, ref: LogRef) -> Position | None:
        """The position of the newest event, without the state; None where there is no log."""
        ...

    def read(self, ref: LogRef, *, after: Cursor, limit: int = 1_000) -> Sequence[Entry] | Gap:
        """The entries after a position, oldest first; a gap where the log cannot tell them."""
        ...

    def messages(self) -> Messages:
        """Messages that follow no log yet, and that tell every revocation from now on.

        Raises:
            MessagesRefused: they are not to be had, and may not be for long.
        """
        ...


class AppendPipeline(Protocol):
    """Batches of one attempt, each sent before the receipt of the one before it is read.

    The log takes them in the order in which they were sent. One thread uses it.
    """

    def send(self, reports: Sequence[Report], *, seen: Cursor | None = None) -> None:
        """Send a batch; see `Log.append`. What is wrong with the batch is raised by `receipt`."""
        ...

    def receipt(self) -> Receipt:
        """What `Log.append` returns or raises, for the oldest batch that has no receipt yet."""
        ...

    def close(self) -> None:
        """Leave it. A batch without a receipt was taken or was not."""
        ...


@runtime_checkable
class SupportsPipelining(Protocol):
    """The ability of a log to take a batch while the one before it is under way.

    Without it, a writer prepares a batch only when the server is done with the one before.
    """

    def pipeline(self, ref: JobRef, *, attempt: int) -> AppendPipeline:
        """A pipeline for the batches of an attempt."""
        ...


@runtime_checkable
class SupportsRevocation(Protocol):
    """The ability of a log to tell every hub that an account's sessions changed.

    Without it, a stream ends when its account may no longer read at the latest with its age:
    every stream comes back with a new request after some minutes.
    """

    def revoke(self, account: str) -> None:
        """Have all `messages` of this log say `Revoked`, in every process."""
        ...


@runtime_checkable
class SupportsRun(Protocol):
    """The ability of a log to tell how a job went, whatever it has trimmed of the job's events.

    Without it there is no picture of the run, unless the application keeps runs itself.
    """

    def run(self, ref: JobRef) -> Run | None:
        """The run of a job so far, or None where nothing is known of one."""
        ...


@runtime_checkable
class SupportsCancel(Protocol):
    """The ability of a log to carry a request to cancel to the tasks of the job.

    Without it, a task learns of a request only at its next attempt, from the `JobStore`.
    """

    def request_cancel(self, ref: JobRef) -> None:
        """Leave a flag for the job. Every later `Receipt` tells it to the writer."""
        ...

    def cancel_requested(self, ref: JobRef) -> bool:
        """Whether that flag is there."""
        ...


@runtime_checkable
class SupportsResume(Protocol):
    """The ability of a log to tell which items need not be done again.

    Without it, `JobReporter.unfinished` and ``track(resume=True)`` begin with the first item.
    """

    def has_succeeded(self, ref: JobRef, items: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """Whether each item, named by kind and id, has succeeded in any attempt."""
        ...


#: A log knows this many runs of a job that are over, beside the newest.
MAX_PAST_RUNS = 16


@runtime_checkable
class SupportsRestart(Protocol):
    """The ability of a log to be begun anew for a job that runs again under its old id.

    Without it, a job whose log has ended shows nothing of a later run.
    """

    def begin_anew(self, ref: JobRef, run: str, *, takes_over: bool = False) -> bool:
        """Tell the log which run of the job is sent, or begins.

        Where the log holds the end of another run it is begun anew: with a new epoch, without a
        state, open to attempt 1. Writers of the earlier run are refused from then on. A log that
        has not ended goes on, with this run as its newest if `takes_over`.

        False where another run has begun since: this one's message came again, too late.
        """
        ...
