"""A job's failures as JSON and as a CSV file, from a provider and without one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import pytest

from progress.events import Snapshot
from progress.failures import (
    FailedItem,
    FailurePage,
    UnusableQuery,
    csv_lines,
    failures_answer,
    newest_failures,
)
from progress.log import JobRef

REF = JobRef("ada", "job")


class Kept:
    """A provider that counts how often it is asked for a page."""

    def __init__(self, *items: FailedItem) -> None:
        self.items = items
        self.pages = 0

    def page(self, _ref: JobRef, /, *, after: str | None, limit: int) -> FailurePage:
        self.pages += 1
        start = int(after or 0)
        shown = self.items[start : start + limit]
        is_last = start + limit >= len(self.items)
        return FailurePage(shown, None if is_last else str(start + limit))

    def reasons(self, _ref: JobRef, /) -> Sequence[tuple[str, int]]:
        return [("The file is empty.", len(self.items))]

    def count(self, _ref: JobRef, /) -> int:
        return len(self.items)


def many(count: int) -> Kept:
    return Kept(*(FailedItem(str(n), "song", f"Song {n}", "Why", None) for n in range(count)))


def ask(kept: Kept, **query: str) -> dict:
    answer = failures_answer(kept, REF, path="/here", query=query)
    assert answer.name is None
    return json.loads(b"".join(answer.body))


def test_pages_lead_to_all_failures_each_once() -> None:
    kept, found, query = many(23), [], {"limit": "10"}
    while True:
        document = ask(kept, **query)
        found += [failure["itemId"] for failure in document["failures"]]
        assert document["total"] == 23
        link = document["links"]["next"]
        if link is None:
            break
        path, _, text = link.partition("?")
        assert path == "/here"
        query = dict(pair.split("=") for pair in text.split("&"))
    assert found == [str(n) for n in range(23)]


@pytest.mark.parametrize("limit", ["0", "-1", "501", "ten", "", "1e2", "٣", "9" * 5000])
def test_a_limit_that_is_none_is_refused_with_a_sentence(limit: str) -> None:
    with pytest.raises(UnusableQuery, match="limit must be a number from 1 to 500"):
        ask(many(1), limit=limit)


def test_a_place_that_the_provider_does_not_know_is_refused() -> None:
    with pytest.raises(UnusableQuery, match="after must be"):
        ask(many(1), after="nowhere")


def test_reasons_are_told_with_their_numbers() -> None:
    assert ask(many(3), group="reason") == {
        "reasons": [{"reason": "The file is empty.", "count": 3}]
    }


def test_a_csv_is_made_while_it_is_sent() -> None:
    kept = many(1_700)
    answer = failures_answer(kept, REF, path="/here", query={"format": "csv"})
    assert (answer.content_type, answer.name) == ("text/csv; charset=utf-8", "failures-job.csv")
    next(answer.body)
    assert kept.pages == 1
    assert sum(piece.count(b"\r\n") for piece in answer.body) == 1_700
    assert kept.pages == 4


#: What a spreadsheet takes for a formula; the last two are as wide as a Chinese letter.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0d")
TEXTS = [
    *(f"{start}1+1" for start in STARTS),
    *("  =1", '=HYPERLINK("x")', '"quoted", and; more', "two\r\nlines"),
    *("日本語", "Caf\udce9", "", "plain", "a=b"),
]


def test_a_spreadsheet_reads_every_text_and_runs_none() -> None:
    items = [FailedItem(text, "song", text, text, None) for text in TEXTS]
    document = b"".join(csv_lines([FailurePage(items, None)]))
    assert document.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(document.decode("utf-8-sig"), newline=""))
    assert header == ["kind", "id", "label", "reason", "failed at"]
    for text, row in zip(TEXTS, rows, strict=True):
        readable = text.replace("\udce9", "?")
        assert row[1:4] in ([readable] * 3, [f"'{readable}"] * 3)
        assert not any(cell.lstrip(" ").startswith(STARTS) for cell in row)


def test_without_a_provider_the_newest_are_told_and_how_many_there_are() -> None:
    state = Snapshot.model_validate(
        {
            "jobId": "job",
            "at": "2026-01-31T12:00:00.000Z",
            "attempt": 1,
            "status": "running",
            "progress": {"done": 50, "total": 60, "succeeded": 10, "failed": 40, "fraction": 0.8},
            "itemsInProgress": [],
            "failedItems": [
                {"itemId": "a", "itemKind": "song", "status": "failed", "error": "It is empty."}
            ],
        }
    )
    document = json.loads(b"".join(newest_failures(state).body))
    assert document["total"] == 40
    assert [(f["itemId"], f["error"]) for f in document["failures"]] == [("a", "It is empty.")]
    assert document["links"] == {"next": None}
    nothing = json.loads(b"".join(newest_failures(None).body))
    assert (nothing["failures"], nothing["total"]) == ([], 0)
