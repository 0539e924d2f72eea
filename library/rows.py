"""Rows that are asked for with every request: one statement, without what a session costs.

SQLAlchemy makes the statement's text, the values' forms and the connections; it is only not asked
to do so anew for each row, which takes ten times as long as the database does.
"""

from __future__ import annotations

import logging
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select

logger = logging.getLogger(__name__)

Convert = Callable[[Any], Any]

#: Connections kept between rows, one for each thread of the site. Of the pool's fifteen the others
#: are left to sessions.
_MOST_KEPT = 4


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
    """Reads single rows of a database. Each is a transaction by itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ready: dict[Select[*tuple[Any, ...]], _Ready] = {}
        self._kept: list[Connection] = []
        self._inherited: list[list[Connection]] = []

    def first(self, statement: Select[*tuple[Any, ...]], values: dict[str, object]) -> Any | None:
        """The first row, its columns by their names; None where there is none."""
        ready = self._ready.get(statement)
        if ready is None:
            ready = self._ready[statement] = self._prepare(statement)
        given = {name: form(values[name]) if form else values[name] for name, form in ready.values}
        found = self._fetch(ready.text, tuple(given.values()) if ready.is_positional else given)
        if found is None:
            return None
        return ready.make(
            *(
                form(value) if form else value
                for form, value in zip(ready.forms, found, strict=True)
            )
        )

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._kept:
            self._kept.pop().close()

    def leave_inherited(self) -> None:
        """Leave a parent's connections alone, after a fork: what is forgotten would be closed."""
        self._inherited.append(self._kept)
        self._kept = []

    def _fetch(self, text: str, given: Any) -> Any:
        kept = self._take()
        if kept is not None:
            try:
                return self._run(kept, text, given)
            except self._engine.dialect.loaded_dbapi.Error:
                # Its server may have gone since it was last used, and come back.
                logger.debug("A kept connection was of no use.", exc_info=True)
        return self._run(self._engine.connect(), text, given)

    def _take(self) -> Connection | None:
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def _run(self, connection: Connection, text: str, given: Any) -> Any:
        try:
            cursor: Any = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
            cursor.execute(text, given)
            found = cursor.fetchone()
            cursor.close()
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        if len(self._kept) < _MOST_KEPT:
            self._kept.append(connection)
        else:
            connection.close()
        return found

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
