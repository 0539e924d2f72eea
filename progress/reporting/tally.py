"""Counts the items that one reporter has said to be over. Pure."""

from __future__ import annotations

from ..events import ItemStatus


class Tally:
    """Counts items by the rule of the log: an item's first end in an attempt is its end.

    Any thread may note an end: one store into a dict is atomic.
    """

    def __init__(self) -> None:
        self._has_succeeded: dict[tuple[str, str], bool] = {}

    def note(self, kind: str, item_id: str, status: ItemStatus) -> None:
        """Count an item that came to its end."""
        self._has_succeeded.setdefault((kind, item_id), status is ItemStatus.SUCCEEDED)

    @property
    def succeeded(self) -> int:
        """How many items have succeeded."""
        return sum(list(self._has_succeeded.values()))

    @property
    def failed(self) -> int:
        """How many items have failed."""
        return len(self._has_succeeded) - self.succeeded
