"""What a job has come to, in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from library.models import Job
from progress.events import Progress
from web.words import counts, outcome

READ = {"songs": 12, "playlists": 3, "liked": 5}


@pytest.mark.parametrize(
    ("kind", "failed", "result", "words"),
    [
        ("sync", 0, READ, "Found 12 songs and 3 playlists; you love 5 songs."),
        ("sync", 0, READ | {"gone": 1}, "you love 5 songs. 1 song is gone."),
        ("sync", 0, READ | {"unseen": 2}, "could not be looked at: what was in there stays."),
        ("sync", 0, READ | {"moved": 2}, "2 songs have another place or name."),
        ("sync", 0, READ | {"left_out": 1}, "1 folder of the system was left out."),
        ("analysis", 0, {"heard": 1_200}, "Heard 1,200 songs."),
        ("analysis", 0, {"heard": 0}, "There was nothing new to hear."),
        ("analysis", 3, {"heard": 0}, "Heard 0 songs."),
        ("matching", 0, {"proposed": 1}, "Found a playlist for 1 song."),
        ("matching", 0, {"proposed": 0}, "There was no song you love without a playlist."),
        (
            "matching",
            0,
            {"proposed": 9, "asked": 1_200, "hit1": 0.714, "hit3": 0.92},
            "found again: 71 % came first, 92 % among the first three.",
        ),
    ],
)
def test_a_completed_job_says_what_it_has_done(
    kind: str, failed: int, result: dict[str, Any], words: str
) -> None:
    assert outcome(Job(kind=kind, status="completed", failed=failed, result=result)).endswith(words)


def test_large_counts_are_written_with_commas() -> None:
    far = Progress(done=12_345, total=1_200_000, succeeded=11_111, failed=1_234, fraction=0.01)
    assert counts(far) == "12,345 of 1,200,000, 1,234 failed"


@pytest.mark.parametrize(
    ("status", "result"),
    [("failed", {"loss": {}}), ("cancelled", READ), ("running", {}), ("completed", {})],
)
def test_any_other_job_says_nothing(status: str, result: dict[str, Any]) -> None:
    assert outcome(Job(kind="sync", status=status, failed=0, result=result)) == ""
