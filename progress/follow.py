"""Replay, seam, tail: one reader's way through a log, from any cursor to the end.

Subscribe first, then read. A message is a hint, the log is the truth: what a message holds is
delivered only where it joins on to what was delivered before; otherwise the log is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .cursor import Cursor
from .errors import InvalidCursor, LogUnavailable
from .events import FeedSnapshot, Snapshot
from .log import Entry, Gap, JobRef, Lapse, Log, LogRef, Message
from .reports import is_terminal_json

#: A log is looked at this often even if no message came: a message is only a hint.
LOOK_SECONDS = 5.0
#: Between attempts to reach a log whose server is gone.
RETRY_SECONDS = 1.0
#: One read of a replay.
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Frame:
    """What one reader is to be shown next."""

    document: bytes
    #: The position after it, or None for a document that is no position in a log.
    cursor: Cursor | None
    #: Nothing follows.
    terminal: bool = False


class Idle:
    """Nothing came for `idle_seconds`. The reader may send a keep-alive, or leave."""


IDLE = Idle()

#: Tells the state of a job whose log is gone, from where its truth is kept.
Fallback = Callable[[], Snapshot | FeedSnapshot | None]


def parse_cursor(text: str | None) -> Cursor | None:
    """An untrusted cursor; None for none and for a malformed one, which is answered alike."""
    if not text:
        return None
    try:
        return Cursor.parse(text)
    except InvalidCursor:
        return None


class Place:
    """Where one reader stands in a log. Pure: it is told what came and says what to show."""

    def __init__(self, ref: LogRef, cursor: Cursor | None) -> None:
        self.cursor = cursor
        self.ended = False
        self._has_end = isinstance(ref, JobRef)

    def advance(self, entries: Sequence[Entry]) -> tuple[list[Frame], bool]:
        """The frames that entries add, and whether all of them joined on."""
        frames: list[Frame] = []
        for entry in entries:
            if self.cursor is None or entry.cursor.epoch != self.cursor.epoch:
                return frames, False
            if entry.cursor.seq <= self.cursor.seq:
                continue
            if entry.cursor.seq != self.cursor.seq + 1:
                return frames, False
            frames.append(self._frame(entry))
        return frames, True

    def rebase(self, state: tuple[Snapshot | FeedSnapshot, Cursor] | None) -> list[Frame]:
        """The frame of a snapshot, which holds at its cursor."""
        if state is None:
            self.cursor = None
            return []
        snapshot, self.cursor = state
        self.ended = self._has_end and _has_ended(snapshot)
        return [Frame(snapshot.to_json().encode(), self.cursor, self.ended)]

    def _frame(self, entry: Entry) -> Frame:
        self.cursor = entry.cursor
        self.ended = self._has_end and is_terminal_json(entry.document)
        return Frame(entry.document, entry.cursor, self.ended)


def _has_ended(snapshot: Snapshot | FeedSnapshot) -> bool:
    return isinstance(snapshot, Snapshot) and snapshot.status.is_terminal


def catch_up(log: Log, ref: LogRef, place: Place) -> Iterator[Frame]:
    """All that the log holds past a place: the replay, or on a gap a snapshot and what follows.

    Raises:
        LogUnavailable: the log's server is gone.
    """
    while not place.ended:
        if place.cursor is None:
            entries: Sequence[Entry] | Gap = Gap()
        else:
            entries = log.read(ref, after=place.cursor, limit=_PAGE)
        if isinstance(entries, Gap):
            frames = place.rebase(log.snapshot(ref))
            yield from frames
            return
        frames, _ = place.advance(entries)
        yield from frames
        if len(entries) < _PAGE:
            return


def has_ended_at(log: Log, ref: JobRef, cursor: Cursor | None) -> bool:
    """Whether a cursor is the position of the job's terminal event: nothing is left to say.

    Raises:
        LogUnavailable: the log's server is gone.
    """
    if cursor is None:
        return False
    state = log.snapshot(ref)
    return state is not None and state[1] == cursor and _has_ended(state[0])


def follow(
    log: Log,
    ref: LogRef,
    *,
    cursor: Cursor | None = None,
    fallback: Fallback | None = None,
    idle_seconds: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Frame | Idle]:
    """Everything after a cursor, then the tail, to the terminal event.

    Without a cursor, or on a gap, a snapshot comes first. Where there is no log, `fallback`
    tells the state (a frame without a position). While the log's server is gone the reader
    is idle; afterwards it goes on where it stood, or with a snapshot.
    """
    reader = _Reader(log, ref, Place(ref, cursor), fallback)
    while not reader.place.ended:
        try:
            with log.listen(ref) as subscription:
                yield from reader.catch_up()
                look_at = clock() + LOOK_SECONDS
                while not reader.place.ended:
                    came = subscription.next(timeout_seconds=idle_seconds)
                    if came is None and clock() < look_at:
                        yield IDLE
                        continue
                    look_at = clock() + LOOK_SECONDS
                    yield from reader.take(came)
                    if came is None:
                        yield IDLE
        except LogUnavailable:
            yield from reader.without_log()
            if not reader.place.ended:
                time.sleep(RETRY_SECONDS)


class _Reader:
    """The steps of `follow`."""

    def __init__(self, log: Log, ref: LogRef, place: Place, fallback: Fallback | None) -> None:
        self._log = log
        self._ref = ref
        self.place = place
        self._fallback = fallback
        self._shown: bytes | None = None

    def take(self, came: Message | Lapse | None) -> Iterator[Frame]:
        if isinstance(came, Message):
            frames, joined = self.place.advance(came.entries)
            yield from frames
            if joined:
                return
        yield from self.catch_up()

    def catch_up(self) -> Iterator[Frame]:
        yield from catch_up(self._log, self._ref, self.place)
        if self.place.cursor is None:
            yield from self._from_fallback()

    def without_log(self) -> Iterator[Frame | Idle]:
        """While the server is gone: what the fallback knows, where that is news."""
        yield from self._from_fallback()
        yield IDLE

    def _from_fallback(self) -> Iterator[Frame]:
        snapshot = self._fallback() if self._fallback else None
        if snapshot is None:
            return
        if self.place.cursor is not None and not _has_ended(snapshot):
            return  # the reader knows more than the fallback does
        document = snapshot.to_json().encode()
        if document == self._shown:
            return
        self._shown = document
        self.place.ended = isinstance(self._ref, JobRef) and _has_ended(snapshot)
        yield Frame(document, None, self.place.ended)
