"""The plan of a chaos job: its items, and the faults inside of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Plan:
    """A job of some items, done alone or in chunks, with a trouble of its own or none."""

    items: int = 20
    seconds: float = 0.05
    #: `alone`, `chord` (it is replaced by its chunks and a last task), `window` (chunks of which
    #: a few are in the queue, and a last task), `chain` or `group`.
    shape: str = "alone"
    #: How many chunks of a `window` are open: as many as there are processes.
    window: int = 4
    #: What happens at the item in the middle: see `application._stumble`.
    trouble: str | None = None
    #: How often it happens before the job has its way.
    times: int = 1
    soft_seconds: float | None = None
    hard_seconds: float | None = None

    @property
    def names(self) -> list[str]:
        return [f"thing {number}" for number in range(self.items)]

    @property
    def options(self) -> dict[str, float]:
        """The options that the tasks which work on items are sent with."""
        limits = {"soft_time_limit": self.soft_seconds, "time_limit": self.hard_seconds}
        return {name: seconds for name, seconds in limits.items() if seconds is not None}

    @property
    def root_options(self) -> dict[str, float]:
        """The options that the job's first task is sent with."""
        return self.options if self.shape == "alone" else {}

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, said: dict[str, Any]) -> Self:
        return cls(**said)
