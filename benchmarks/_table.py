"""How a benchmark says what it found: JSON lines on stdout, a table on stderr."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence


def machine() -> str:
    """The machine's shape, for the head of a table."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def medians(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of every figure over runs."""
    rows = list(runs)
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def emit(rows: Sequence[Mapping[str, object]], *, columns: Sequence[str]) -> None:
    """Print the rows, and a table of some of their columns."""
    for row in rows:
        print(json.dumps(row), flush=True)
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    print(f"\n{machine()}\n", file=sys.stderr)
    for line in [list(columns), ["-" * width for width in widths], *cells]:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print(text.rstrip(), file=sys.stderr)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
