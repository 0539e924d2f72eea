"""What would be written into which lists, and what cannot be and why: for pages and the API."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from library.awaited import AwaitingList
from library.models import WriteBack
from library.write_backs import SongCounts
from library.writeback.errors import NotWritable
from library.writeback.writer import Preview
from progress.wire import iso_utc
from tasks.writers import Writers

from .job_views import parse_id

_SEEN = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class ListPreview:
    """A list that songs wait for, and what writing them into it would do."""

    playlist: AwaitingList
    preview: Preview | None
    #: Why nothing can be written into it, in a sentence.
    obstacle: str | None
    #: The songs that are left out, by what people call them, each with the reason.
    left_out: Sequence[tuple[str, str]]

    @property
    def new(self) -> Sequence[str]:
        """The songs that would be put in, by what people call them."""
        return [entry.song.label for entry in self.preview.addition.added] if self.preview else []

    @property
    def is_ready(self) -> bool:
        """Whether there is something to write."""
        return bool(self.new)

    @property
    def seen(self) -> str:
        """Names what is shown, so that nothing else is written."""
        key = self.preview.before_key if self.preview else ""
        return f"{key}.{songs_key(self.playlist)}"


def songs_key(playlist: AwaitingList) -> str:
    """Names the songs that wait for a list."""
    names = "\n".join(str(song.identity) for song in playlist.songs)
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def preview_of(playlist: AwaitingList, writers: Writers) -> ListPreview:
    """What writing into a list would do. It changes nothing."""
    songs = [one.song for one in playlist.songs if one.obstacle is None]
    out = [(one.song.label, one.obstacle) for one in playlist.songs if one.obstacle is not None]
    try:
        found = writers.of(playlist.source_id).preview(playlist.list_id, songs)
    except NotWritable as error:
        return ListPreview(playlist, None, str(error), out)
    out += [(song.label, reason) for song, reason in found.addition.refused]
    return ListPreview(playlist, found, None, out)


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """The lists that a person has looked at and wants written, each by what they saw of it."""

    seen: Mapping[UUID, str]

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> WriteRequest:
        """The request of pairs of a playlist's id and what was seen; what is none is left out."""
        found = ((parse_id(key), seen) for key, seen in pairs)
        return cls({key: seen for key, seen in found if key and _SEEN.fullmatch(seen)})

    def chosen(self, lists: Sequence[AwaitingList]) -> list[tuple[AwaitingList, str]]:
        """Those of the lists for which the same songs wait as were seen, with their keys."""
        found = []
        for playlist in lists:
            before_key, _, songs = self.seen.get(playlist.id, "").partition(".")
            if before_key and songs == songs_key(playlist):
                found.append((playlist, before_key))
        return found


def preview_json(found: ListPreview) -> dict[str, Any]:
    """A preview as the API has it."""
    return {
        "playlist": str(found.playlist.id),
        "name": found.playlist.name,
        "seen": found.seen if found.is_ready else None,
        "new": list(found.new),
        "leftOut": [{"song": song, "reason": reason} for song, reason in found.left_out],
        "obstacle": found.obstacle,
        "diff": [
            {"kind": line.kind, "text": line.text}
            for line in (found.preview.lines if found.preview else ())
        ],
    }


def write_back_json(row: WriteBack, counts: SongCounts) -> dict[str, Any]:
    """A write-back as the API has it."""
    return {
        "id": str(row.id),
        "act": str(row.batch_id),
        "name": row.playlist_name,
        "state": row.state,
        "reason": row.reason,
        "written": counts.written,
        "already": counts.already,
        "refused": counts.refused,
        "createdAt": iso_utc(row.created_at.timestamp()),
        "writtenAt": row.written_at and iso_utc(row.written_at.timestamp()),
        "undoneAt": row.undone_at and iso_utc(row.undone_at.timestamp()),
    }
