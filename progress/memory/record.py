"""One log in this process's memory: what is retained of it, and its state."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..cursor import Cursor
from ..events import FeedSnapshot, Snapshot, parse_event
from ..log import MAX_PAST_RUNS, Entry, Gap
from ..rules.feed import FeedPace
from ..rules.run import RunRecord
from ..rules.snapshot import fold, fold_feed
from ..rules.state import JobState


@dataclass(slots=True)
class Record:
    """The retained entries of a job's log or of a feed, and the state they fold into."""

    epoch: int
    entries: deque[Entry]
    seq: int = 0
    snapshot: Snapshot | FeedSnapshot | None = None

    @property
    def end(self) -> Cursor:
        """The position of the newest entry."""
        return Cursor(self.epoch, self.seq)

    def add(self, documents: Sequence[bytes]) -> tuple[Entry, ...]:
        """Give each document the next position."""
        added = []
        for document in documents:
            self.seq += 1
            added.append(Entry(self.end, document))
        self.entries.extend(added)
        return tuple(added)

    def fold_job(self, documents: Sequence[bytes]) -> None:
        """Fold a job's events into its state."""
        state = self.snapshot
        assert state is None or isinstance(state, Snapshot)  # noqa: S101
        for document in documents:
            state = fold(state, parse_event(document))
        self.snapshot = state

    def fold_feed(self, documents: Sequence[bytes]) -> None:
        """Fold a feed's events into its state."""
        state = self.snapshot
        assert state is None or isinstance(state, FeedSnapshot)  # noqa: S101
        for document in documents:
            state = fold_feed(state, parse_event(document))
        self.snapshot = state

    def after(self, cursor: Cursor, limit: int) -> Sequence[Entry] | Gap:
        """See `Log.read`."""
        if cursor.epoch != self.epoch or cursor.seq > self.seq:
            return Gap()
        if cursor.seq == self.seq:
            return ()
        if not self.entries or cursor.seq + 1 < self.entries[0].cursor.seq:
            return Gap()
        skip = cursor.seq + 1 - self.entries[0].cursor.seq
        return tuple(self.entries)[skip : skip + limit]

    def has_lost_entries(self, seen: Cursor | None) -> bool:
        """Whether its events are gone, or some that a writer was told of."""
        is_behind = seen is not None and seen > self.end
        return is_behind or (self.seq > 0 and not self.entries)


@dataclass(slots=True)
class JobRecord:
    """All that a log in memory knows of one job."""

    record: Record
    state: JobState
    cancel_requested: bool = False
    feed: FeedPace = field(default_factory=FeedPace)
    run: RunRecord = field(default_factory=RunRecord)


@dataclass(slots=True)
class Runs:
    """The runs of one job, as `SupportsRestart` tells a log of them."""

    newest: str | None = None
    #: Those before it, the newest first.
    past: tuple[str, ...] = ()
    #: The last epoch of a run before it: its writers are refused.
    past_epoch: int = 0

    def begin(self, run: str, *, has_ended: bool, takes_over: bool) -> bool:
        """Note a run; whether it is the newest from now on, and was not."""
        if run == self.newest or run in self.past:
            return False
        if self.newest is not None:
            if not has_ended and not takes_over:
                return False
            self.past = (self.newest, *self.past)[:MAX_PAST_RUNS]
        self.newest = run
        return True
