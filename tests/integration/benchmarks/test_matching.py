"""The benchmark of matching judges a file of playlists, and its rows are whole."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from library.matching import STRICTNESS
from library.matching.signals import GROUPS

ROOT = Path(__file__).parents[3]
SOUND = (
    "danceability", "energy", "loudness", "speechiness", "acousticness",
    "instrumentalness", "liveness", "valence",
)  # fmt: skip
COLUMNS = ["bench", "who", "k", "hit1", "hit3", "top_quarter", "ece"]


def write(path: Path, lists: int) -> None:
    """Playlists of thirty songs by three artists of their own, which sound alike."""
    rng = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = []
        for number in range(lists):
            middle = [rng.uniform(0, 5) for _ in SOUND]
            for song in range(30):
                heard = {name: x + rng.gauss(0, 1) for name, x in zip(SOUND, middle, strict=True)}
                rows.append({
                    "track_id": f"{number}-{song}", "track_name": f"Song {song}",
                    "track_artist": f"Artist {number} {song % 3}", "track_album_name": f"{song}",
                    "track_album_release_date": f"{1960 + number}-01-01", "playlist_id": number,
                    "playlist_name": "never looked at", "tempo": 120, "mode": 1,
                    "duration_ms": 200_000, **heard,
                })  # fmt: skip
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def run(path: Path, *order: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "benchmarks.matching", "--sizes", "10", "--seeds", "1"]
    done = subprocess.run(
        [*command, "--queries", "60", *order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"EARMARK_BENCH_PLAYLISTS": str(path), "EARMARK_BENCH_MUSIC": ""},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_its_rows_tell_earmark_beside_others_and_without_each_signal(tmp_path: Path) -> None:
    write(tmp_path / "playlists.csv", 12)
    rows = run(tmp_path / "playlists.csv", "--choose", "none")
    found = {row["who"]: row for row in rows}
    rivals = {"chance", "largest list", "audio formula", "k-NN"}
    left_out = {f"without {name}" for name in GROUPS}
    none = {"none of these", *(f"{name}, at least {x:.0%} sure" for name, x in STRICTNESS.items())}
    assert found.keys() == {"earmark", "speed", *rivals, *left_out, *none}
    own = found["earmark"]
    assert list(own)[: len(COLUMNS)] == COLUMNS
    assert (own["bench"], own["k"]) == ("matching", 10)
    assert own["hit1"] > 0.9  # type: ignore[operator]
    assert all(row["hit1"] <= own["hit1"] for row in rows if "hit1" in row)  # type: ignore[operator]
    assert found["speed"]["songs"] == 50_000
