"""Which jobs the list shows, as its form asks. Nothing here asks Flask or the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from library.models import JOB_KINDS

from .api_requests import STATUSES
from .paging import parse_number

#: The times that the form offers, in days up to now.
PERIODS = {1: "The last day", 7: "The last 7 days", 30: "The last 30 days"}


@dataclass(frozen=True, slots=True)
class JobFilter:
    """A kind, a status and a time; None stands for all."""

    kind: str | None = None
    status: str | None = None
    days: int | None = None

    #: What the form offers.
    kinds = JOB_KINDS
    statuses = STATUSES
    periods = PERIODS

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """The filter in a query string. A value that there is not stands for all."""
        kind, status = query.get("kind"), query.get("status")
        days = parse_number(query.get("days", ""))
        return cls(
            kind if kind in JOB_KINDS else None,
            status if status in STATUSES else None,
            days if days in PERIODS else None,
        )

    @property
    def is_all(self) -> bool:
        """Whether it leaves nothing out."""
        return not self.query

    @property
    def query(self) -> dict[str, str | int]:
        """The filter for an address."""
        said = {"kind": self.kind, "status": self.status, "days": self.days}
        return {name: value for name, value in said.items() if value is not None}

    def since(self, now: datetime) -> datetime | None:
        """The moment after which the jobs were asked for."""
        return None if self.days is None else now - timedelta(days=self.days)
