"""Which of a job's events its account's feed carries. Pure; its twin is a part of `append.lua`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .constants import RULES


@dataclass(slots=True)
class FeedPace:
    """What one job told its feed: every status at once, and its progress at a limited pace.

    Progress that comes too early is held back. It is told before the next status, or with the
    next renewal, unless newer progress takes its place.
    """

    told_at_us: int = 0
    held_back: bytes | None = None

    def take(
        self, documents: Sequence[bytes], *, now_us: int, has_ended: bool, is_renewal: bool
    ) -> list[bytes]:
        """What the feed carries of a batch's events."""
        due: list[bytes] = []
        for document in documents:
            if document.startswith(b'{"type":"progress"'):
                self.held_back = document
                if has_ended or self._is_time(now_us):
                    due += self._tell(now_us)
            elif document.startswith(b'{"type":"status"'):
                due += [*self._tell(now_us), document]
        if is_renewal:
            due += self._tell(now_us)
        return due

    def _is_time(self, now_us: int) -> bool:
        waited = now_us - self.told_at_us
        # Less than nothing: the clock was set back.
        return waited >= RULES.feed_every_us or waited < 0

    def _tell(self, now_us: int) -> list[bytes]:
        if self.held_back is None:
            return []
        told, self.held_back, self.told_at_us = self.held_back, None, now_us
        return [told]
