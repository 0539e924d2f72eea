"""The numbers of the parts that a task sends: the same in every attempt of its job.

A chord's body is sent by the task of its header that ends last, whichever that is. So its number is
given with the header's, by the task that sends the chord, and the header's messages bear it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from .canvas import Canvas, first_tasks, id_of
from .place import Place


class PartNumbers:
    """Gives the tasks that one execution sends their places.

    Args:
        place: The execution's.
        chord: The body of the chord that its task is in, as Celery's request has it.
    """

    def __init__(self, place: Place, chord: Mapping[str, Any] | None) -> None:
        self._place = place
        self._numbers = count(1)
        #: The numbers of the bodies of chords that it sends, by their ids.
        self._bodies: dict[str, str] = {}
        base = place.bodies.get(id_of(chord) or "") if chord else None
        ids = [id_ for _, id_ in first_tasks(chord)] if chord and base else []
        #: The numbers of the tasks that begin the body of the chord that it is in.
        self._following = {id_: f"{base}.{number}" for number, id_ in enumerate(ids, 1)}

    def place_of(self, task_id: str, canvas: Canvas) -> Place:
        """The place of a task that the execution sends, or that is sent because of its result."""
        if task_id == self._place.task_id:
            return self._place
        part = self._following.get(task_id) or self._next()
        bodies = {id_: self._body(id_) for body in canvas.bodies if (id_ := id_of(body))}
        sent = replace(self._place, task_id=task_id, part=part)
        return replace(sent, bodies={**self._place.bodies, **bodies})

    def _next(self) -> str:
        return f"{self._place.part}.{next(self._numbers)}".lstrip(".")

    def _body(self, body_id: str) -> str:
        known = self._place.bodies.get(body_id) or self._bodies.get(body_id)
        if known is None:
            known = self._bodies[body_id] = self._next()
        return known
