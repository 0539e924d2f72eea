"""A batch of reports as the text that `append.lua` reads. Pure.

The text is one string, however many reports there are: an argument for each would cost the client
a microsecond apiece. JSON holds no raw control characters, so tabs and newlines divide; an item id
stands in the form that it has in JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ..reports import (
    CountsReport,
    ErrorReport,
    ItemReport,
    NoteReport,
    PartEndReport,
    PartReport,
    PhaseEndReport,
    PhaseReport,
    Report,
    ResultReport,
    StatusReport,
    TotalReport,
    error_json,
    head,
    id_key,
    item_json,
    item_key,
    note_json,
    result_json,
    said_json,
    status_json,
)
from ..wire import iso_utc
from .constants import ITEM_LETTERS

_OPENINGS = {status: b"I\t%b\t" % letter.encode() for status, letter in ITEM_LETTERS.items()}


def encode(reports: Sequence[Report], *, job_id: str, attempt: int) -> bytes:
    """The batch, a line for each report."""
    opening = head(job_id, attempt)
    # The first question is whether it is an item: nearly all reports of a busy job are.
    return b"".join(
        [
            _item_line(report, opening)
            if type(report) is ItemReport
            else _rare_line(report, job_id, attempt)
            for report in reports
        ]
    )


def _item_line(report: ItemReport, opening: bytes) -> bytes:
    at = iso_utc(report.at).encode()
    return b"%b%b\t%b\t%b\t%b\n" % (
        _OPENINGS[report.status],
        item_key(report.item_kind, report.item_id),
        at,
        b"" if report.took_seconds is None else orjson.dumps(report.took_seconds),
        item_json(report, opening, at),
    )


def _rare_line(report: Report, job_id: str, attempt: int) -> bytes:
    at = iso_utc(report.at).encode()
    match report:
        case StatusReport():
            document = status_json(report, job_id=job_id, attempt=attempt)
            reason = b"" if report.reason is None else orjson.dumps(report.reason)
            return b"S\t%b\t%b\t%b\t%b\n" % (report.status.encode(), at, reason, document)
        case ErrorReport():
            document = error_json(report, job_id=job_id, attempt=attempt)
            failure = orjson.dumps({"message": report.message, "code": report.code})
            return b"E\t%b\t%b\t%b\n" % (at, document, failure)
        case TotalReport():
            return b"T\t%d\t%b\n" % (report.total, at)
        case CountsReport():
            return b"C\t%d\t%b\t%b\n" % (report.done, at, _maybe(report.total))
        case PhaseReport():
            phase = {"name": report.name, "index": report.phase_index, "count": report.phase_count}
            numbers = f"{report.weight_before!r}\t{report.weight!r}\t{report.weight_in_all!r}"
            return b"P\t%d\t%b\t%b\t%b\t%b\n" % (
                report.phase_index,
                at,
                numbers.encode(),
                _maybe(report.total),
                orjson.dumps(phase),
            )
        case PhaseEndReport():
            return b"X\t%d\t%b\n" % (report.phase_index, at)
        case PartReport() | PartEndReport():
            return _part_line(report, at)
        case NoteReport():
            document = note_json(report, job_id=job_id, attempt=attempt)
            return b"N\t%b\t%b\t%b\n" % (at, said_json(report), document)
        case ResultReport():
            document = result_json(report, job_id=job_id, attempt=attempt)
            return b"R\t%b\t%b\t%b\n" % (at, report.value, document)
    raise TypeError(f"{type(report).__name__} is no report")


def _part_line(report: PartReport | PartEndReport, at: bytes) -> bytes:
    name = id_key(report.part)
    if isinstance(report, PartReport):
        return b"B\t%b\t%b\n" % (name, at)
    return b"D\t%b\t%b\t%b\n" % (name, at, report.outcome.encode())


def _maybe(number: int | None) -> bytes:
    return b"" if number is None else b"%d" % number
