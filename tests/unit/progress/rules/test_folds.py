"""The golden folds are what the folds say."""

from __future__ import annotations

from tests.fixtures import folds


def test_the_golden_files_are_up_to_date():
    assert folds.stale() == []


def test_the_golden_files_reach_every_kind_of_event_and_every_terminal_status():
    kinds, ends = set(), set()
    for name in folds.files():
        for step in folds.json.loads((folds.FOLDER / name).read_text("utf-8"))["steps"]:
            kinds.add(step["event"]["type"])
            ends.add(step["event"].get("status"))
    assert kinds == {"progress", "status", "item", "error", "note", "result"}
    assert {"completed", "failed", "cancelled"} <= ends
