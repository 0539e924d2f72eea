"""A run as it is kept, as a `Run`. Pure.

What is kept tells beginnings and ends one by one. A row whose end nobody told ends with what it
belongs to: so an append writes nothing of the rows that an attempt leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Literal

import orjson
from pydantic import TypeAdapter, ValidationError

from ..events import JobStatus
from ..run import RowStatus, Run, RunPoint, RunRow
from ..wire import Moment

_MOMENT: TypeAdapter[Any] = TypeAdapter(Moment)
_RANK = {"attempt": 0, "phase": 1, "part": 2}


@dataclass(frozen=True, slots=True)
class _End:
    at: datetime
    status: RowStatus


def job_run(job_id: str, fields: Mapping[str, str]) -> Run | None:
    """A job's run, from the fields that are kept; None where nothing is known of one."""
    end = _end(fields.get("end"))
    attempts = _ended_attempts(_attempts(fields), end)
    rows = [*attempts, *_phases(fields, attempts, end), *_parts(fields, attempts, end)]
    sent = _moment(fields.get("sent"))
    if sent is not None and rows:
        # A worker may take up a job before its sender has noted that it is sent.
        sent = min(sent, *(row.begin for row in rows))
    if not rows and sent is None and end is None:
        return None
    return Run(
        job_id=job_id,
        status=_status(attempts, end),
        sent_at=sent,
        finished_at=None if end is None else end.at,
        rows=tuple(sorted(rows, key=_order)),
        points=tuple(_points(fields)),
        left_out=_whole(fields.get("more")),
    )


def texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """What is kept, as a server hands it out, in the form that `job_run` takes."""
    return {
        name.decode("utf-8", "replace"): text.decode("utf-8", "replace")
        for name, text in fields.items()
    }


def settled(run: Run, status: JobStatus, at: datetime) -> Run:
    """A run whose job has ended, as its log does not say yet."""
    if run.finished_at is not None:
        return run
    end = _End(at, RowStatus(status))
    attempts = _ended_attempts([row for row in run.rows if row.kind == "attempt"], end)
    others = [row for row in run.rows if row.kind != "attempt"]
    closed = [_closed(row, attempts, end) for row in others]
    rows = tuple(sorted([*attempts, *closed], key=_order))
    return run.model_copy(update={"status": status, "finished_at": at, "rows": rows})


def _status(attempts: list[RunRow], end: _End | None) -> JobStatus:
    if end is not None:
        return JobStatus(end.status)
    if not attempts:
        return JobStatus.PENDING
    return JobStatus.RUNNING if attempts[-1].end is None else JobStatus.RETRYING


def _order(row: RunRow) -> tuple[int, datetime, int]:
    return row.attempt, row.begin, _RANK[row.kind]


def _attempts(fields: Mapping[str, str]) -> list[RunRow]:
    numbers = sorted(int(name[1:]) for name in fields if name[0] == "a" and name[1:].isdecimal())
    return _known(
        _row("attempt", number, None, fields.get(f"a{number}"), _end(fields.get(f"A{number}")))
        for number in numbers
    )


def _ended_attempts(attempts: list[RunRow], end: _End | None) -> list[RunRow]:
    """The attempts, of which only the newest may be under way."""
    ended = []
    for row, next_ in zip_longest(attempts, attempts[1:]):
        told = end if next_ is None else _End(next_.begin, RowStatus.LOST)
        ended.append(row if row.end is not None or told is None else _ended(row, told))
    return ended


def _phases(fields: Mapping[str, str], attempts: list[RunRow], end: _End | None) -> list[RunRow]:
    found: list[tuple[int, int, RunRow]] = []
    for name, (attempt, index) in _names(fields, "h"):
        at, _, document = fields[f"h{name}"].partition("\t")
        over = _moment(fields.get(f"H{name}"))
        told = None if over is None else _End(over, RowStatus.COMPLETED)
        row = _row("phase", attempt, _phase_name(document), at, told)
        if row is not None and index.isdecimal():
            found.append((attempt, int(index), row))
    found.sort(key=lambda phase: phase[:2])
    rows = []
    for (attempt, _, row), next_ in zip_longest(found, found[1:]):
        is_followed = next_ is not None and next_[0] == attempt
        # A phase that is begun without a block ends when the next begins.
        over = _End(next_[2].begin, RowStatus.COMPLETED) if is_followed else None
        rows.append(_closed(row if row.end or over is None else _ended(row, over), attempts, end))
    return rows


def _parts(fields: Mapping[str, str], attempts: list[RunRow], end: _End | None) -> list[RunRow]:
    rows = _known(
        _row("part", attempt, _text(part), fields[f"t{name}"], _end(fields.get(f"T{name}")))
        for name, (attempt, part) in _names(fields, "t")
    )
    return [_closed(row, attempts, end) for row in rows]


def _names(fields: Mapping[str, str], kind: str) -> list[tuple[str, tuple[int, str]]]:
    split = [(name[1:], name[1:].partition(".")) for name in fields if name[0] == kind]
    return [(name, (int(of), rest)) for name, (of, _, rest) in split if of.isdecimal()]


def _row(
    kind: Literal["attempt", "phase", "part"],
    attempt: int,
    name: str | None,
    begin: str | None,
    end: _End | None,
) -> RunRow | None:
    began = _moment(begin)
    if began is None or attempt < 1:
        return None
    row = RunRow(kind=kind, attempt=attempt, name=name, begin=began, status=RowStatus.RUNNING)
    return row if end is None else _ended(row, end)


def _ended(row: RunRow, end: _End) -> RunRow:
    # The clocks of two machines may differ: no row ends before it begins.
    return row.model_copy(update={"end": max(row.begin, end.at), "status": end.status})


def _closed(row: RunRow, attempts: list[RunRow], end: _End | None) -> RunRow:
    """A phase or a part that is over with its attempt at the latest, and with the job."""
    of = next((attempt for attempt in attempts if attempt.attempt == row.attempt), None)
    if of is not None:
        end = None if of.end is None else _End(of.end, of.status)
    if row.end is not None or end is None:
        return row
    is_lost = row.kind == "part" and end.status is RowStatus.COMPLETED
    return _ended(row, _End(end.at, RowStatus.LOST if is_lost else end.status))


def _points(fields: Mapping[str, str]) -> Iterable[RunPoint]:
    for number in sorted(int(name[1:]) for name in fields if _is_point(name)):
        at, done, failed = (*fields[f"p{number}"].split("\t"), "", "")[:3]
        moment = _moment(at)
        if moment is not None:
            yield RunPoint(at=moment, done=_whole(done), failed=_whole(failed))


def _is_point(name: str) -> bool:
    return name[0] == "p" and name[1:].isdecimal()


def _end(text: str | None) -> _End | None:
    at, _, status = (text or "").partition("\t")
    moment = _moment(at)
    with suppress(ValueError):
        return None if moment is None else _End(moment, RowStatus(status))
    return None


def _phase_name(document: str) -> str | None:
    with suppress(orjson.JSONDecodeError, TypeError, KeyError):
        return str(orjson.loads(document)["name"])
    return None


def _text(name: str) -> str:
    """A name, from its letters as JSON has them."""
    with suppress(orjson.JSONDecodeError):
        return str(orjson.loads(f'"{name}"'))
    return name


def _known(rows: Iterable[RunRow | None]) -> list[RunRow]:
    return [row for row in rows if row is not None]


def _moment(text: str | None) -> Any:
    with suppress(ValidationError):
        return _MOMENT.validate_python(text)
    return None


def _whole(text: str | None) -> int:
    with suppress(ValueError):
        return max(0, int(text or 0))
    return 0
