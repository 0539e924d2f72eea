"""A batch without the reports that later ones of it make void. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..reports import ItemReport, NoteReport, Report


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
