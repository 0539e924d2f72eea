"""Spotify's own data download: ``Playlist1.json`` … and ``YourLibrary.json``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from .bounds import seconds_of, text_of
from .tracks import Collected, Track
from .values import Routes

WRITTEN_BY = "Spotify"
#: Of each playlist. Older files call its places tracks.
PLAYLIST: Mapping[str, Routes | str] = {
    "name": "spotify name",
    "items": {"*": "spotify item"},
    "tracks": {"*": "spotify item"},
    "": "spotify end",
}
#: Of the loved songs.
LOVED: Routes = {"*": "spotify loved"}
_LOCAL = "spotify:local:"
_OTHERS = {"episode": "podcast episodes", "audiobook": "audiobooks"}


class SpotifyReader:
    """Takes the values of a file, one after the other."""

    def __init__(self, into: Collected) -> None:
        self._into = into
        self._name: str | None = None
        self._keys: list[str] = []

    def take(self, route: str, value: Any) -> None:
        """Take a value of one of the routes."""
        if route == "spotify name":
            self._name = text_of(value)
        elif route == "spotify item":
            self._keys += [self._into.track(track) for track in self._tracks(value)]
        elif route == "spotify loved" and isinstance(value, dict):
            track = _loved(value)
            if track is None:
                self._into.left_out["songs without a title"] += 1
            else:
                self._into.love(track)
        elif route == "spotify end":
            self._end()
            return
        self._into.written_by = WRITTEN_BY

    def _end(self) -> None:
        # Other programs' playlists stand at the same place in their files, and are read elsewhere.
        if self._name or self._keys:
            self._into.playlist(self._name, self._keys)
        self._name, self._keys = None, []

    def _tracks(self, item: object) -> Iterator[Track]:
        if not isinstance(item, dict):
            return
        track, local = item.get("track"), item.get("localTrack")
        found = _listed(track if isinstance(track, dict) else item) or (
            _local(local.get("uri")) if isinstance(local, dict) else None
        )
        if found is not None:
            yield found
            return
        other = next((words for key, words in _OTHERS.items() if item.get(key)), None)
        # A song that Spotify has no longer leaves a place with nothing in it.
        self._into.left_out[other or "places without a song"] += 1


def _listed(said: dict[str, Any]) -> Track | None:
    return _track(said.get("trackName"), said.get("artistName"), said.get("albumName"),
                  said.get("trackUri"))  # fmt: skip


def _loved(said: dict[str, Any]) -> Track | None:
    return _track(said.get("track"), said.get("artist"), said.get("album"), said.get("uri"))


def _track(title: object, artist: object, album: object, uri: object) -> Track | None:
    address = text_of(uri)
    if address is not None and address.startswith(_LOCAL):
        return _local(address)
    named = text_of(title)
    if named is None:
        return None
    return Track(named, artist=text_of(artist), album=text_of(album), uri=address)


def _local(uri: object) -> Track | None:
    """A file of the person's own: ``spotify:local:artist:album:title:seconds``, as in a form."""
    address = text_of(uri, 1_000)
    if address is None or not address.startswith(_LOCAL):
        return None
    said = [unquote_plus(part, errors="replace") for part in address.split(":")[2:]]
    artist, album, title, seconds = (*said, "", "", "", "")[:4]
    named = text_of(title)
    if named is None:
        return None
    return Track(
        named,
        artist=text_of(artist),
        album=text_of(album),
        duration_seconds=seconds_of(seconds),
        uri=address,
    )
