"""What a review page is asked for and told, parsed. Nothing here asks Flask or the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from library import decisions, matches
from library.matching import STRICTNESS
from library.models import QUEUES

from .job_views import parse_id

#: What a person may say of a song and a playlist.
VERDICTS = ("accept", "reject", "later", "take-up")
#: The bounds that the page offers, in percent.
BOUNDS = (0, 50, 70, 80, 90, 95, 99)
#: Those that have a name, by their percent.
BOUND_NAMES = {round(100 * least): name for name, least in STRICTNESS.items() if least}


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """Which songs a page is to show. A value that is none is taken as if it were not there."""

    queue: str = "liked"
    playlist_id: UUID | None = None
    artist: str = ""
    least_percent: int = 0

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Self:
        """The request in a query string or a form."""
        queue, least = query.get("queue", ""), query.get("least", "")
        number = int(least) if least.isascii() and least.isdecimal() and len(least) < 4 else 0
        return cls(
            queue if queue in QUEUES else "liked",
            parse_id(query.get("list")),
            query.get("artist", "").strip()[:200],
            min(number, 100),
        )

    @property
    def wanted(self) -> matches.Wanted:
        """The same, for a query."""
        return matches.Wanted(
            queue=self.queue,
            playlist_id=self.playlist_id,
            artist=self.artist or None,
            least=self.least_percent / 100,
        )

    @property
    def may_be_in_lists(self) -> bool:
        """Whether songs of the queue may be in a playlist; of the others none is."""
        return self.queue in ("misplaced", "later")

    @property
    def query(self) -> dict[str, str]:
        """The same as the fields of an address, without those that say nothing."""
        said = {
            "queue": self.queue if self.queue != "liked" else "",
            "list": str(self.playlist_id or ""),
            "artist": self.artist,
            "least": str(self.least_percent or ""),
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What a person said of a song."""

    verdict: str
    song_id: UUID
    #: The playlist that it is about; None where the song alone is put off or taken up.
    playlist_id: UUID | None

    @classmethod
    def parse(cls, form: Mapping[str, str]) -> Self | None:
        """The request in a form, or None where it is none.

        A button names verdict and playlist together, such as ``accept:<id>``.
        """
        verdict, _, list_id = form.get("verdict", "").partition(":")
        song_id = parse_id(form.get("song"))
        playlist_id = parse_id(list_id or form.get("list"))
        if song_id is None or verdict not in VERDICTS:
            return None
        if playlist_id is None and verdict in ("accept", "reject"):
            return None
        return cls(verdict, song_id, playlist_id)


def decision_mark_text(mark: decisions.Mark) -> str:
    """A place among the decisions as an address has it."""
    return f"{mark[0].isoformat()}_{mark[1]}"


def parse_decision_mark(text: str) -> decisions.Mark | None:
    """The place among the decisions that a text names, else None."""
    at_text, _, id_text = text.partition("_")
    key = parse_id(id_text)
    try:
        at = datetime.fromisoformat(at_text)
    except ValueError:
        return None
    return (at, key) if key is not None and at.tzinfo is not None else None
