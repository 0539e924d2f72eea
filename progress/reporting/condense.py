"""A batch: the oldest of what waits, without what later reports of it make void. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from ..reports import ItemReport, NoteReport, Report


def oldest(waiting: deque[Report], most: int) -> list[Report]:
    """Take the oldest reports out of what waits, while others may put some in."""
    taken: list[Report] = []
    with suppress(IndexError):
        while len(taken) < most:
            taken.append(waiting.popleft())
    return taken


def without_what_is_over(reports: Sequence[Report]) -> list[Report]:
    """The reports without the beginnings of items whose end is among them."""
    over = {
        (report.item_kind, report.item_id)
        for report in reports
        if type(report) is ItemReport and report.status.is_end
    }
    return [
        report
        for report in reports
        if type(report) is not ItemReport
        or report.status.is_end
        or (report.item_kind, report.item_id) not in over
    ]


def with_the_last_note(reports: list[Report]) -> list[Report]:
    """The reports without the notes that a later one replaces before anybody can read them."""
    notes = [index for index, report in enumerate(reports) if type(report) is NoteReport]
    for index in reversed(notes[:-1]):
        del reports[index]
    return reports
