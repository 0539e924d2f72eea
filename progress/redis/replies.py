"""What the server's replies say, as values of this package. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cursor import Cursor
from ..errors import JobEnded, StaleAttempt
from ..events import TERMINAL_STATUSES
from ..log import Entry, Gap, JobRef, LogRef, Position, Receipt
from ..rules.stored import PLACE, cursor_of

#: The fields of a state that tell where its log stands, and whether it has ended.
STANDING = (*PLACE, b"at", b"status")
_TERMINAL = {status.value.encode() for status in TERMINAL_STATUSES}


def receipt(reply: Sequence[Any], ref: JobRef, attempt: int) -> Receipt:
    """The answer to an append; raises `StaleAttempt` or `JobEnded` where it was refused."""
    verdict, epoch, seq, current, cancel, lost = reply
    if verdict == b"stale":
        raise StaleAttempt(ref.job_id, attempt=attempt, current_attempt=int(current))
    if verdict == b"ended":
        raise JobEnded(ref.job_id, attempt=attempt, current_attempt=int(current))
    return Receipt(Cursor(int(epoch), int(seq)), int(current), bool(cancel), bool(lost))


def position_at(ref: LogRef, fields: Sequence[bytes | None]) -> Position | None:
    """Where a log stands, from the fields of its state named in `STANDING`; None without a log."""
    known = dict(zip(STANDING, fields, strict=True))
    cursor = cursor_of(known)
    if cursor is None or known[b"at"] is None:
        return None
    return Position(cursor, isinstance(ref, JobRef) and known[b"status"] in _TERMINAL)


def entries_after(
    after: Cursor, place: Sequence[bytes | None], rows: Sequence[tuple[bytes, Any]]
) -> Sequence[Entry] | Gap:
    """The entries after a position, from the fields in `PLACE` and a range of the stream."""
    newest = cursor_of(dict(zip(PLACE, place, strict=True)))
    if newest is None or newest.epoch != after.epoch or newest.seq < after.seq:
        return Gap()
    entries = [Entry(Cursor.parse(id_.decode()), _document(fields)) for id_, fields in rows]
    if newest == after:
        return ()
    if not entries or entries[0].cursor != after.next():
        return Gap()
    return entries


def _document(fields: Mapping[bytes, bytes] | Sequence[bytes]) -> bytes:
    """The event of an entry of a stream."""
    # A cluster's client hands on the replies of a transaction as they came: as lists.
    return fields[b"e"] if isinstance(fields, Mapping) else fields[1]


def next_id(after: Cursor) -> str:
    """The least id of an entry that follows a position."""
    # The largest sequence has no successor; nothing can follow it.
    return str(after.next()) if after.seq < 2**64 - 1 else str(after)
