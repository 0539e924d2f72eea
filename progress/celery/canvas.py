"""What a message says of the chain, the chord or the group that its task is one of. Pure.

Celery writes into each message what follows its task: the links of its chain, and the body of the
chord that it is in. A link may end in a chord, and a body may be anything again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Ids of more links than this do not lead to the job; the last ones do.
_MAX_LINKS = 1_000


@dataclass(frozen=True, slots=True)
class Canvas:
    """What follows a task, and the groups that it is in."""

    #: The ids of the tasks that follow it in its chain.
    links: tuple[str, ...]
    #: The bodies of the chords that it is in, the innermost first.
    bodies: tuple[Mapping[str, Any], ...]
    #: The ids of the groups that it is in, the innermost first, and of these chords.
    groups: tuple[str, ...]

    @property
    def outermost(self) -> str | None:
        """The id of the outermost group, the header of a chord among them."""
        return self.groups[-1] if self.groups else None

    @property
    def names(self) -> tuple[str, ...]:
        """The ids that sending gives back for the groups and the chords."""
        bodies = [id_ for body in self.bodies if (id_ := id_of(body))]
        return tuple(dict.fromkeys([*self.groups, *bodies]))


NO_CANVAS = Canvas((), (), ())


def canvas_of(headers: Mapping[str, Any], embed: Mapping[str, Any]) -> Canvas:
    """The canvas of a task, from its message's headers and what is embedded in its body."""
    chain = embed.get("chain") or ()
    options: Mapping[str, Any] = {
        "group_id": headers.get("group"),
        "chord": embed.get("chord"),
    }
    if chain:
        options = _last_options(chain[0])  # Celery has the last link first
    bodies: list[Mapping[str, Any]] = []
    groups: list[str] = []
    while True:
        group, chord = options.get("group_id"), options.get("chord")
        if group:
            groups.append(group)
        if not chord:
            break
        bodies.append(chord)
        options = _last_options(chord)
    links = [id_ for link in chain[:_MAX_LINKS] for id_ in _ids(link)]
    return Canvas(tuple(links), tuple(bodies), tuple(dict.fromkeys(groups)))


def first_tasks(signature: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The name and the id of each task that begins at once when a signature is sent."""
    kind, arguments = signature.get("subtask_type"), signature.get("kwargs") or {}
    if kind == "chain":
        yield from first_tasks(arguments["tasks"][0])
    elif kind == "group":
        for one in _tasks(arguments.get("tasks")):
            yield from first_tasks(one)
    elif kind == "chord":
        for one in _tasks(arguments.get("header")):
            yield from first_tasks(one)
    elif id_ := id_of(signature):
        yield str(signature["task"]), id_


def id_of(signature: Mapping[str, Any]) -> str | None:
    """The id that a signature is sent with."""
    found: str | None = _options(signature).get("task_id")
    return found


def _last_options(signature: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of the task that ends a signature, which say what follows it."""
    kind, arguments = signature.get("subtask_type"), signature.get("kwargs") or {}
    if kind == "chain":
        return _last_options(arguments["tasks"][-1])
    if kind == "chord":
        return _last_options(arguments["body"])
    return _options(signature)


def _ids(signature: Mapping[str, Any]) -> Iterator[str]:
    """The ids that sending a link gives back."""
    if id_ := id_of(signature):
        yield id_
    if signature.get("subtask_type") == "chord":
        yield from _ids(signature["kwargs"]["body"])


def _tasks(found: Any) -> Sequence[Mapping[str, Any]]:
    """The tasks of a group, or of a header, which may be a group."""
    if isinstance(found, Mapping):
        return _tasks(found["kwargs"]["tasks"])
    return list(found or ())


def _options(signature: Mapping[str, Any]) -> Mapping[str, Any]:
    options: Mapping[str, Any] = signature.get("options") or {}
    return options
