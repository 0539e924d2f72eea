"""Prints the figures of benchmarks: JSON lines for programs, a table for people."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Mapping, Sequence

Row = Mapping[str, object]


def tell(title: str, rows: Sequence[Row]) -> None:
    """Rows: a JSON line for each on stdout, one table of all their columns on stderr."""
    for row in rows:
        print(json.dumps({"table": title, **row}), flush=True)
    table(title, rows)


def table(title: str, rows: Sequence[Row]) -> None:
    """Rows as one table of all their columns on stderr."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [
        columns,
        ["---"] * len(columns),
        *([_text(row.get(c)) for c in columns] for row in rows),
    ]
    print(f"\n{title}\n", file=sys.stderr)
    for line in lines:
        print("| " + " | ".join(line) + " |", file=sys.stderr)


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of every figure over runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _text(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else str(value)
