"""How benchmarks tell what they found: JSON lines for programs, a table for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence

Row = Mapping[str, object]


def tell(title: str, rows: Sequence[Row]) -> None:
    """Rows of the same columns: a JSON line for each on stdout, one table on stderr."""
    for row in rows:
        print(json.dumps({"table": title, **row}), flush=True)
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([_text(row[c]) for c in columns] for row in rows)]
    print(f"\n{title}\n", file=sys.stderr)
    for line in lines:
        print("| " + " | ".join(line) + " |", file=sys.stderr)


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 1000 else str(value)
