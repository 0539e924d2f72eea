"""What an export tells: its tracks, playlists and loved songs, whatever the format. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from ..liked import is_liked_name
from .bounds import MAX_ENTRIES, MAX_PLACE, MAX_PLAYLISTS, MAX_TEXT, MAX_TRACKS, TooLarge

_MAX_URI = 100
#: A longer name of a track is named by its hash.
_MAX_KEY = 250


@dataclass(frozen=True)
class Track:
    """One song as an export has it."""

    title: str
    #: As it is shown; several are divided by commas.
    artist: str | None = None
    #: Each by itself, where the export says so.
    artists: tuple[str, ...] = ()
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    year: int | None = None
    track_number: int | None = None
    duration_seconds: float | None = None
    #: 0 to 5.
    rating_stars: float | None = None
    isrc: str | None = None
    #: The recording's id at MusicBrainz.
    recording_mbid: str | None = None
    #: The service's own name for it.
    uri: str | None = None
    #: The path or URL of its file on the machine that the export is of.
    place: str | None = None

    @cached_property
    def key(self) -> str:
        """The export's own name for it: the same in every later export of the same library."""
        if self.uri and len(self.uri) <= _MAX_URI:
            return self.uri
        if self.place and len(self.place) <= MAX_PLACE:
            return f"place:{self.place}"
        if self.recording_mbid or self.isrc:
            return f"mbid:{self.recording_mbid}" if self.recording_mbid else f"isrc:{self.isrc}"
        said = (self.artist, self.title, self.album)
        name = "name:" + "\n".join((text or "").casefold() for text in said)
        if len(name) <= _MAX_KEY:
            return name
        return f"hash:{hashlib.sha256(name.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class TrackList:
    """One playlist of an export."""

    #: Names it among the playlists of the export, also in a later one.
    key: str
    name: str
    #: The keys of its tracks, in order. A track that is in it twice is here twice.
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """All that was read of an export."""

    #: Who wrote it, for people: "Spotify".
    written_by: str
    tracks: dict[str, Track]
    playlists: tuple[TrackList, ...]
    #: The keys of the loved tracks, in order.
    loved: tuple[str, ...]
    #: What is no song, or says too little, and how often: "podcast episodes".
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Collected:
    """What was read so far, within bounds."""

    written_by: str = ""
    left_out: Counter[str] = field(default_factory=Counter)
    _tracks: dict[str, Track] = field(default_factory=dict)
    _lists: list[TrackList] = field(default_factory=list)
    _keys: set[str] = field(default_factory=set)
    _loved: dict[str, None] = field(default_factory=dict)
    _entries: int = 0

    @property
    def track_count(self) -> int:
        """How many tracks there are so far."""
        return len(self._tracks)

    def track(self, track: Track) -> str:
        """Take a track; its key.

        Raises:
            TooLarge: there are too many.
        """
        # Where a part says less than another one, the first that was said stays.
        self._tracks.setdefault(track.key, track)
        if len(self._tracks) > MAX_TRACKS:
            raise TooLarge("songs", MAX_TRACKS)
        return track.key

    def love(self, track: Track) -> None:
        """Take a track that the person loves."""
        self._loved[self.track(track)] = None

    def playlist(self, name: str | None, keys: Iterable[str], *, key: str | None = None) -> None:
        """Take a playlist; one that is named as the list of loved songs is that.

        Raises:
            TooLarge: there are too many, or too many places in all of them.
        """
        tracks = tuple(keys)
        named = (name or "Playlist")[:MAX_TEXT]
        if is_liked_name(named):
            self._loved.update(dict.fromkeys(tracks))
            return
        self._entries += len(tracks)
        if self._entries > MAX_ENTRIES:
            raise TooLarge("places in playlists", MAX_ENTRIES)
        if len(self._lists) >= MAX_PLAYLISTS:
            raise TooLarge("playlists", MAX_PLAYLISTS)
        self._lists.append(TrackList(self._free_key(key or named), named, tracks))

    def _free_key(self, wanted: str) -> str:
        # A slash divides a file from a list in it, in the names that a source gives.
        plain = f"list:{wanted.replace('/', ' ')[:_MAX_KEY]}"
        key, number = plain, 1
        while key in self._keys:
            number += 1
            key = f"{plain} ({number})"
        self._keys.add(key)
        return key

    def export(self) -> Export:
        """All that was read."""
        return Export(
            self.written_by, self._tracks, tuple(self._lists), tuple(self._loved), self.left_out
        )
