"""Rows that are asked for with every request: one statement, without what a session costs.

SQLAlchemy makes the statement's text, the values' forms and the pool; it is only not asked to do
so anew for each row, which takes ten times as long as the database does.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement as its database takes it."""

    text: str
    #: Each value's name and form, in order.
    values: tuple[tuple[str, Convert | None], ...]
    is_positional: bool
    forms: tuple[Convert | None, ...]
    make: Callable[..., Any]


class RowReader:
    """Reads single rows of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ready: dict[Select[*tuple[Any, ...]], _Ready] = {}

    def first(self, statement: Select[*tuple[Any, ...]], values: dict[str, object]) -> Any | None:
        """The first row, its columns by their names; None where there is none."""
        ready = self._ready.get(statement)
        if ready is None:
            ready = self._ready[statement] = self._prepare(statement)
        given = {name: form(values[name]) if form else values[name] for name, form in ready.values}
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(ready.text, tuple(given.values()) if ready.is_positional else given)
            found = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
        if found is None:
            return None
        return ready.make(
            *(
                form(value) if form else value
                for form, value in zip(ready.forms, found, strict=True)
            )
        )

    def _prepare(self, statement: Select[*tuple[Any, ...]]) -> _Ready:
        dialect = self._engine.dialect
        compiled: Any = statement.compile(dialect=dialect)
        positions = compiled.positiontup
        names = positions if compiled.positional else list(compiled.binds)
        values = tuple(
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in names
        )
        columns = list(statement.selected_columns)
        forms = tuple(c.type.dialect_impl(dialect).result_processor(dialect, None) for c in columns)
        names_of = [column.key or "value" for column in columns]
        make: Any = namedtuple("Found", names_of)  # type: ignore[misc] # known to the statement
        return _Ready(str(compiled), values, bool(compiled.positional), forms, make)
