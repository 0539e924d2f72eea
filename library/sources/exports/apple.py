"""The library of iTunes and Apple Music, ``Library.xml``. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .bounds import MAX_PLACE, count_of, number_of, seconds_of, text_of, year_of
from .tracks import Collected, Track
from .values import Routes

WRITTEN_BY = "Apple Music"
ROUTES: Routes = {
    "Tracks": {"*": "track"},
    "Playlists": {
        "*": {
            "Name": "name",
            "Playlist Persistent ID": "id",
            "Playlist ID": "number",
            "Playlist Items": {"*": {"Track ID": "entry"}},
            # Lists that it makes by itself, and folders, which hold what the lists in them do.
            "Master": "own",
            "Distinguished Kind": "own",
            "Smart Info": "own",
            "Folder": "own",
            "": "end",
        }
    },
}
#: What iTunes called it first, and what Apple Music calls it.
_LOVED = ("Loved", "Favorited")
#: Kinds of files that are no songs, by the key that says so.
_OTHERS = {"Podcast": "podcast episodes", "Movie": "films", "TV Show": "films"}
_STARS = 20.0


@dataclass(slots=True)
class _List:
    name: str | None = None
    key: str | None = None
    entries: list[str] = field(default_factory=list)
    is_own: bool = False


class AppleReader:
    """Takes the values of a library; its playlists are complete when it is closed."""

    def __init__(self, into: Collected) -> None:
        self._into = into
        self._keys: dict[str, str] = {}
        self._list = _List()
        self._lists: list[_List] = []

    def take(self, route: str, value: Any) -> None:
        """Take a value of one of the routes."""
        if route == "track" and isinstance(value, dict):
            self._take_track(value)
        elif route == "name":
            self._list.name = text_of(value)
        elif route == "id":
            self._list.key = text_of(value)
        elif route == "number" and self._list.key is None:
            self._list.key = str(value)
        elif route == "entry":
            self._list.entries.append(str(value))
        elif route == "own" and value is not False:
            self._list.is_own = True
        elif route == "end":
            if not self._list.is_own:
                self._lists.append(self._list)
            self._list = _List()

    def _take_track(self, said: dict[str, Any]) -> None:
        other = next((words for key, words in _OTHERS.items() if said.get(key) is True), None)
        track = None if other else _track(said)
        if track is None:
            self._into.left_out[other or "songs without a title"] += 1
            return
        self._keys[str(said.get("Track ID"))] = self._into.track(track)
        if any(said.get(key) is True for key in _LOVED):
            self._into.love(track)

    def close(self) -> None:
        """Take the playlists, whose songs are all known now."""
        for found in self._lists:
            keys = [self._keys[entry] for entry in found.entries if entry in self._keys]
            self._into.playlist(found.name, keys, key=found.key)
        self._lists.clear()


def _track(said: dict[str, Any]) -> Track | None:
    title = text_of(said.get("Name"))
    if title is None:
        return None
    persistent = text_of(said.get("Persistent ID"))
    place = text_of(said.get("Location"), MAX_PLACE + 1)
    return Track(
        title,
        artist=text_of(said.get("Artist")),
        album=text_of(said.get("Album")),
        album_artist=text_of(said.get("Album Artist")),
        genre=text_of(said.get("Genre")),
        year=year_of(said.get("Year")),
        track_number=count_of(said.get("Track Number")),
        duration_seconds=seconds_of(said.get("Total Time"), per_second=1_000),
        rating_stars=_stars(said),
        # Its path names it, so that the file can be found by it; a song of the cloud has none.
        uri=f"itunes:{persistent}" if persistent and not place else None,
        place=place,
    )


def _stars(said: dict[str, Any]) -> float | None:
    """Stars of 5 after a rating of 100; what is computed from the album's is nobody's rating."""
    rating = number_of(said.get("Rating"))
    if not rating or said.get("Rating Computed") is True:
        return None
    return min(5.0, max(0.0, rating / _STARS))
