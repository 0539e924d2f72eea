"""The documents' table of what becomes of `update_state` is true, line by line."""

from __future__ import annotations

import ast
import re
from decimal import Decimal
from pathlib import Path

import pytest

from progress.celery.meta import Said, read_meta

DOCUMENT = Path(__file__).parents[4] / "docs" / "progress.md"
TABLE = DOCUMENT.read_text().partition("| `meta` | what is shown |")[2].partition("\n\n")[0]
LINES = re.findall(r"^\| `(.+?)` \| (.+?) \|$", TABLE, re.MULTILINE)


def _shown(said: Said) -> str:
    counts = f"{said.done}" if said.total is None else f"{said.done} of {said.total}"
    words = [*([counts] if said.done is not None else []), *([f'"{said.note}"'] * bool(said.note))]
    return ", ".join(words) or "nothing"


def test_the_table_is_there() -> None:
    assert len(LINES) >= 30


@pytest.mark.parametrize(("meta", "shown"), LINES, ids=[meta for meta, _ in LINES])
def test_each_meta_is_shown_as_the_documents_say(meta: str, shown: str) -> None:
    assert _shown(read_meta(ast.literal_eval(meta))) == shown


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"current": Decimal(3), "total": Decimal(10)}, Said(3, 10)),
        ({"current": 10**40, "total": 10**40}, Said(2**53 - 1, 2**53 - 1)),
        ({"current": -5, "total": -1}, Said(0)),
        ({"current": float("nan"), "total": float("inf")}, Said()),
        ({"current": object(), "status": object()}, Said()),
        ({"status": ["a", "b"]}, Said()),
        ({"status": "\ud800"}, Said(note="\ufffd")),
        ({"status": "", "message": "", "step": "Last"}, Said(note="Last")),
        ({1: 2, None: 3}, Said()),
        ("x" * 1_000, Said(note="x" * 299 + "…")),
    ],
)
def test_odd_values_are_made_fit_or_left_out(meta: object, said: Said) -> None:
    assert read_meta(meta) == said
