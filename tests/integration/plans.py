"""Statements as the databases would run them, judged: does one grow with the product of two tables?

SQLite plans without looking at the data, so its plan is judged as it is written: every loop within
another one must look its rows up by a key of their own. PostgreSQL plans by the data and chooses
well among much; there the rows are counted that each step of the plan has visited.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

#: To look rows up by these alone is to walk through all that an account has.
_COARSE = frozenset({"account_id", "present", "rank", "queue", "status", "kind"})
#: A statement may look at each row of the database as many times, and no more.
MOST_VISITS_EACH = 6
_LOOP = re.compile(r"^(SCAN|SEARCH) ")
_CONSTRAINT = re.compile(r"(\w+)[=<>]\?")

Statement = tuple[str, Any]


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that read, each with its parameters, while the block runs."""
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, text: str, given: Any, *_: object) -> None:
        if text.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((text, given))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def faults(connection: Connection, statement: Statement, *, rows: int) -> list[str]:
    """What is wrong with the plan of a statement, in a database with this many rows."""
    text, given = statement
    if connection.dialect.name == "sqlite":
        lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all()
        return _coarse_loops([(line[0], line[1], line[3]) for line in lines])
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}"
    plan = connection.exec_driver_sql(explain, given).scalar_one()[0]["Plan"]
    visits = sum(map(_visited, _steps(plan)))
    if visits <= MOST_VISITS_EACH * rows:
        return []
    return [f"{visits:,.0f} rows are visited, in a database of {rows:,}"]


def _coarse_loops(lines: list[tuple[int, int, str]]) -> list[str]:
    """The loops that are run anew for each row of another, and walk through a whole table."""
    below: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for key, parent, detail in lines:
        below[parent].append((key, detail))
    return list(_coarse_below(below, 0, is_inner=False))


def _coarse_below(
    below: dict[int, list[tuple[int, str]]], parent: int, *, is_inner: bool
) -> Iterator[str]:
    for key, detail in below[parent]:
        if _LOOP.match(detail) and "CONSTANT ROW" not in detail:
            if is_inner and not set(_CONSTRAINT.findall(detail)) - _COARSE:
                yield detail
            yield from _coarse_below(below, key, is_inner=is_inner)
            is_inner = True  # what follows beside it runs for each of its rows
        else:
            within = "CORRELATED" in detail or (is_inner and detail.startswith("MULTI-INDEX"))
            yield from _coarse_below(below, key, is_inner=within)


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for step in plan.get("Plans", ()):
        yield from _steps(step)


def _visited(step: dict[str, Any]) -> float:
    removed = sum(value for name, value in step.items() if name.startswith("Rows Removed by"))
    visited: float = (step["Actual Rows"] + removed) * step["Actual Loops"]
    return visited
