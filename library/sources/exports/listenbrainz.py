"""ListenBrainz: playlists in JSPF, loved songs as JSON or in the zip of all data. Pure.

Feedback has a score: 1 is love, -1 is hate. In the zip it names recordings by their ids alone, and
the listens tell how these are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..recordings import isrc_of, mbid_of
from .bounds import seconds_of, text_of
from .tracks import Collected, Track
from .values import Routes

WRITTEN_BY = "ListenBrainz"
_PLAYLIST: Routes = {
    "title": "jspf name",
    "identifier": "jspf id",
    "track": {"*": "jspf track"},
    "": "jspf end",
}
ROUTES: Mapping[str, Routes | str] = {"playlist": _PLAYLIST, "feedback": {"*": "feedback"}}
#: Several playlists, as the site's interface gives them.
SEVERAL: Mapping[str, Routes | str] = {"playlist": _PLAYLIST}
_EXTENSION = "https://musicbrainz.org/doc/jspf#track"
_UNNAMED = "loved songs of which only an id is known"


class ListenBrainzReader:
    """Takes the values of a file, one after the other."""

    def __init__(self, into: Collected, *, called: str) -> None:
        self._into, self._called = into, called
        self._name: str | None = None
        self._id: str | None = None
        self._keys: list[str] = []

    def take(self, route: str, value: Any) -> None:
        """Take a value of one of the routes."""
        self._into.written_by = WRITTEN_BY
        if route == "jspf name":
            self._name = text_of(value)
        elif route == "jspf id":
            self._id = mbid_of(value)
        elif route == "jspf track":
            self._take_track(value)
        elif route == "jspf end":
            self._into.playlist(self._name or self._called, self._keys, key=self._id)
            self._name, self._id, self._keys = None, None, []
        elif route == "feedback" and isinstance(value, dict):
            Feedback(self._into).take(value)

    def _take_track(self, value: object) -> None:
        track = _jspf_track(value) if isinstance(value, dict) else None
        if track is None:
            self._into.left_out["songs without a title"] += 1
        else:
            self._keys.append(self._into.track(track))


def _jspf_track(said: dict[str, Any]) -> Track | None:
    title = text_of(said.get("title"))
    if title is None:
        return None
    extension = said.get("extension")
    more = extension.get(_EXTENSION) if isinstance(extension, dict) else None
    metadata = more.get("additional_metadata") if isinstance(more, dict) else None
    place = next(iter(_texts(said.get("location"))), None)
    return Track(
        title,
        artist=text_of(said.get("creator")),
        artists=tuple(_artists(metadata)),
        album=text_of(said.get("album")),
        duration_seconds=seconds_of(said.get("duration"), per_second=1_000),
        recording_mbid=next(filter(None, map(mbid_of, _texts(said.get("identifier")))), None),
        isrc=isrc_of(metadata.get("isrc")) if isinstance(metadata, dict) else None,
        place=place,
    )


def _artists(metadata: object) -> Iterator[str]:
    found = metadata.get("artists") if isinstance(metadata, dict) else None
    for artist in found if isinstance(found, list) else ():
        name = text_of(artist.get("artist_credit_name")) if isinstance(artist, dict) else None
        if name:
            yield name


def _texts(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        text = text_of(item, 1_000)
        if text:
            yield text


class Feedback:
    """The loved recordings; those that are known by their ids alone wait for their names."""

    def __init__(self, into: Collected) -> None:
        self._into = into
        #: By each id that names them, in order.
        self._waiting: dict[str, dict[str, Any]] = {}

    def take(self, said: dict[str, Any]) -> None:
        """Take one line of feedback."""
        if said.get("score") != 1:
            return
        track = _listened(said.get("track_metadata"), said.get("recording_mbid"))
        if track is not None:
            self._into.love(track)
            return
        ids = [text_of(said.get(name)) for name in ("recording_msid", "recording_mbid")]
        key = next(filter(None, ids), None)
        if key is not None:
            self._waiting[key] = {"ids": {one for one in ids if one}, "track": None}
        self._into.left_out[_UNNAMED] += 1

    @property
    def is_waiting(self) -> bool:
        """Whether names are missing."""
        return bool(self._waiting)

    def name(self, listens: Iterator[dict[str, Any]]) -> None:
        """Find names among what was listened to."""
        wanted = {one: entry for entry in self._waiting.values() for one in entry["ids"]}
        for listen in listens:
            said = listen.get("track_metadata")
            if not isinstance(said, dict):
                continue
            mapping = said.get("mbid_mapping")
            mbid = mapping.get("recording_mbid") if isinstance(mapping, dict) else None
            for one in (said.get("recording_msid"), mbid):
                entry = wanted.get(one) if isinstance(one, str) else None
                if entry is not None and entry["track"] is None:
                    entry["track"] = _listened(said, mbid)

    def close(self) -> None:
        """Love those that have names now."""
        for entry in self._waiting.values():
            if entry["track"] is not None:
                self._into.love(entry["track"])
                self._into.left_out[_UNNAMED] -= 1
        self._waiting.clear()


def _listened(said: object, mbid: object) -> Track | None:
    """The track of a listen, or of feedback that tells what it is about."""
    if not isinstance(said, dict):
        return None
    title = text_of(said.get("track_name"))
    if title is None:
        return None
    mapping, more = said.get("mbid_mapping"), said.get("additional_info")
    mapped = mapping if isinstance(mapping, dict) else {}
    info = more if isinstance(more, dict) else {}
    return Track(
        title,
        artist=text_of(said.get("artist_name")),
        artists=tuple(_artists(mapped)),
        album=text_of(said.get("release_name")),
        duration_seconds=seconds_of(info.get("duration_ms"), per_second=1_000),
        isrc=isrc_of(info.get("isrc")),
        recording_mbid=mbid_of(mbid) or mbid_of(mapped.get("recording_mbid")),
    )
