"""The place of a task: its job, attempt and part, as its message says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..lease import Lease, Part
from ..log import JobRef
from ..parts import CLOSING, member_of, number_of

#: The message header that tells a task its place.
HEADER = "progress"


@dataclass(frozen=True, slots=True)
class Place:
    """The job, attempt and part of a task, as its message says."""

    ref: JobRef
    task_id: str
    #: The attempt the sender was in; 0 for a job that is sent to begin its next one.
    attempt: int
    #: The number of the part, hierarchical: "2.1" for the first task that the second one of the job
    #: sent. The same in every attempt; empty for the job's first task.
    part: str = ""
    #: Names the run of the job that the message was sent for; empty where nobody marked it.
    run: str = ""
    #: The numbers of the bodies of the chords that the task is in, by their ids.
    bodies: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, request: Any, *, owner: Callable[[], str] = lambda: "everyone") -> Place:
        """The place of a task, from the request of its execution.

        Args:
            request: Celery's request.
            owner: Tells whose the job is, where no message does.
        """
        told = said_in(request, HEADER)
        return cls._read(told if "account" in told else {**told, "account": owner()}, request.id)

    @classmethod
    def of_message(cls, headers: Mapping[str, Any]) -> Place:
        """The place of a task, from its message's headers."""
        return cls._read(_mapping(headers.get(HEADER)), headers["id"])

    @classmethod
    def _read(cls, said: Mapping[str, Any], task_id: str) -> Place:
        # Not Celery's root: that may be a task which belongs to no job.
        ref = JobRef(_text(said, "account") or "everyone", _text(said, "jobId") or task_id)
        attempt, bodies = said.get("attempt"), _mapping(said.get("bodies"))
        number = attempt if type(attempt) is int and attempt > 0 else 0
        return cls(ref, task_id, number, _text(said, "part"), _text(said, "run"), bodies)

    @property
    def is_root(self) -> bool:
        """Whether the task bears the job's own id."""
        return self.task_id == self.ref.job_id

    @property
    def part_name(self) -> str:
        """What the part is called where people see it: in a window, its number from 1."""
        member = member_of(self.ref, self.task_id)
        number = number_of(member)
        if member == CLOSING:
            return "closing"
        return self.part or self.task_id if number is None else str(number + 1)

    def header(self, *, attempt: int) -> dict[str, object]:
        """The header that tells a task its place."""
        said = {"account": self.ref.account, "jobId": self.ref.job_id, "attempt": attempt}
        beside = {"part": self.part, "run": self.run, "bodies": dict(self.bodies)}
        return {**said, **{name: value for name, value in beside.items() if value}}

    def lease(self, process: str, execution: str = "") -> Lease:
        """The lease of an execution of this task."""
        return Lease(Part(self.ref, self.task_id), process, execution, self.attempt)


def said_in(request: Any, header: str) -> Mapping[str, Any]:
    """What a message says in a header of this library, from the request of its execution."""
    return _mapping(request.get(header)) or _mapping((request.headers or {}).get(header))


def _mapping(said: Any) -> Mapping[str, Any]:
    # Another program may use the same name for something else.
    return said if isinstance(said, Mapping) else {}


def _text(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    return found if isinstance(found, str) else ""


def process_name(hostname: str | None, pid: int | None = None) -> str:
    """The name of a child, the same in a worker's main process and in the child."""
    return f"{hostname or '?'}/{os.getpid() if pid is None else pid}"
