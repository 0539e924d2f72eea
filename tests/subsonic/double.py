"""A music server in memory, a WSGI application: it has what real ones lack, and fails when told."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Answer = tuple[str, list[tuple[str, str]], bytes]
Query = dict[str, list[str]]


@dataclass
class Playlist:
    name: str
    songs: list[str]
    owner: str = "ada"
    readonly: bool = False


def song(number: int, **told: Any) -> dict[str, Any]:
    """A song as a server tells it."""
    return {
        "id": f"so-{number}",
        "title": f"Song {number}",
        "artist": "The Waves",
        "album": f"Album {number // 10}",
        "albumId": f"al-{number // 10}",
        "track": number % 10 + 1,
        "year": 1999,
        "genre": "Folk",
        "duration": 180,
        "size": 1000 + number,
        "suffix": "ogg",
        "isDir": False,
    } | told


@dataclass
class Double:
    """What it has, how it lets people in, and what it was asked."""

    songs: dict[str, dict[str, Any]] = field(default_factory=dict)
    playlists: dict[str, Playlist] = field(default_factory=dict)
    sounds: dict[str, bytes] = field(default_factory=dict)
    starred: list[str] = field(default_factory=list)
    password: str = "correct horse"
    api_key: str | None = None
    #: None: it knows no extensions, and answers 404.
    extensions: tuple[str, ...] | None = ("formPost",)
    reads_forms: bool = True
    knows_tokens: bool = True
    finds_all: bool = True
    most_version: str = "1.16.1"
    #: Answers in place of the usual ones, by call. None goes on as usual.
    faults: dict[str, Callable[[Query], Answer | None]] = field(default_factory=dict)
    #: Method, path with query, and what was asked.
    asked: list[tuple[str, str, Query]] = field(default_factory=list)

    @classmethod
    def with_songs(cls, count: int, **said: Any) -> Double:
        made = [song(number) for number in range(count)]
        return cls(songs={found["id"]: found for found in made}, **said)

    def calls(self, name: str) -> int:
        return sum(f"/{name}.view" in path for _, path, _ in self.asked)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        said = parse_qs(query, keep_blank_values=True)
        if self.reads_forms:
            said |= parse_qs(body, keep_blank_values=True)
        path = environ["PATH_INFO"] + (f"?{query}" if query else "")
        self.asked.append((method, path, said))
        name = re.sub(r".*/rest/|\.view$", "", environ["PATH_INFO"])
        fault = self.faults.get(name, lambda _: None)(said)
        status, headers, content = fault or self._answer(name, said, environ)
        start_response(status, [*headers, ("Content-Length", str(len(content)))])
        return [content]

    def _answer(self, name: str, said: Query, environ: dict[str, Any]) -> Answer:
        if name == "getOpenSubsonicExtensions" and self.extensions is None:
            return "404 Not Found", [("Content-Type", "text/html")], b"<html>not here</html>"
        if name == "getOpenSubsonicExtensions":
            told = [{"name": found, "versions": [1]} for found in self.extensions or ()]
            return ok(openSubsonicExtensions=told)
        refused = self._refused(said)
        if refused is not None:
            return refused
        handler = getattr(self, f"_{name}", None)
        if handler is None:
            return failed(0, "Unknown method")
        if name in ("download", "stream"):
            return handler(said, environ)
        return handler(said)

    def _refused(self, said: Query) -> Answer | None:
        if _version(said.get("v", ["0"])[0]) > _version(self.most_version):
            return failed(30, "Incompatible protocol version. Server must upgrade.")
        if "apiKey" in said:
            if self.api_key is None:
                return failed(42, "Provided authentication mechanism not supported")
            return None if said["apiKey"] == [self.api_key] else failed(44, "Invalid API key")
        if "u" not in said:
            return failed(10, "Required parameter is missing")
        if "t" in said:
            if not self.knows_tokens:
                return failed(41, "Token authentication not supported")
            token = hashlib.md5(f"{self.password}{said['s'][0]}".encode()).hexdigest()
            return None if said["t"] == [token] else failed(40, "Wrong username or password")
        is_right = said.get("p") == [f"enc:{self.password.encode().hex()}"]
        return None if is_right else failed(40, "Wrong username or password")

    def _ping(self, said: Query) -> Answer:
        return ok()

    def _search3(self, said: Query) -> Answer:
        found = list(self.songs.values()) if self.finds_all else []
        return ok(searchResult3={"song": _part(found, said, "songOffset", "songCount")})

    def _albums(self) -> list[dict[str, Any]]:
        albums: dict[str, dict[str, Any]] = {}
        for found in self.songs.values():
            new = {"id": found["albumId"], "name": found["album"], "songCount": 0}
            albums.setdefault(found["albumId"], new)["songCount"] += 1
        return list(albums.values())

    def _getAlbumList2(self, said: Query) -> Answer:  # noqa: N802 - the API's name
        return ok(albumList2={"album": _part(self._albums(), said, "offset", "size")})

    def _getAlbum(self, said: Query) -> Answer:  # noqa: N802
        found = [song for song in self.songs.values() if song["albumId"] == said["id"][0]]
        return ok(album={"id": said["id"][0], "song": found})

    def _getSong(self, said: Query) -> Answer:  # noqa: N802
        found = self.songs.get(said["id"][0])
        return ok(song=found) if found else failed(70, "Song not found")

    def _getStarred2(self, said: Query) -> Answer:  # noqa: N802
        return ok(starred2={"song": [self.songs[found] for found in self.starred]})

    def _getPlaylists(self, said: Query) -> Answer:  # noqa: N802
        return ok(
            playlists={
                "playlist": [
                    {"id": key, "name": found.name} for key, found in self.playlists.items()
                ]
            }
        )

    def _getPlaylist(self, said: Query) -> Answer:  # noqa: N802
        found = self.playlists.get(said["id"][0])
        if found is None:
            return failed(70, "Playlist not found")
        entries = [self.songs.get(key, {"id": key, "title": key}) for key in found.songs]
        told = {"name": found.name, "owner": found.owner, "readonly": found.readonly}
        return ok(playlist=told | {"id": said["id"][0], "entry": entries})

    def _updatePlaylist(self, said: Query) -> Answer:  # noqa: N802
        found = self.playlists[said["playlistId"][0]]
        if found.readonly:
            return failed(50, "User is not authorized for the given operation.")
        for position in sorted(map(int, said.get("songIndexToRemove", [])), reverse=True):
            del found.songs[position]
        found.songs += said.get("songIdToAdd", [])
        return ok()

    def _download(self, said: Query, environ: dict[str, Any]) -> Answer:
        sound = self.sounds.get(said["id"][0])
        if sound is None:
            return failed(70, "Song not found")
        kind = [("Content-Type", "audio/ogg")]
        begun = re.fullmatch(r"bytes=(\d+)-", environ.get("HTTP_RANGE", ""))
        if not begun:
            return "200 OK", kind, sound
        start, size = int(begun[1]), len(sound)
        if start >= size:
            return "416 Range Not Satisfiable", kind, b""
        told = ("Content-Range", f"bytes {start}-{size - 1}/{size}")
        return "206 Partial Content", [*kind, told], sound[start:]

    _stream = _download


def _version(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def _part(found: list[Any], said: Query, offset: str, count: str) -> list[Any]:
    start = int(said.get(offset, ["0"])[0])
    return found[start : start + int(said[count][0])]


def ok(**told: Any) -> Answer:
    payload = {"status": "ok", "version": "1.16.1", **told}
    return _json({"subsonic-response": payload})


def failed(code: int, message: str) -> Answer:
    """An error as the API tells it: by HTTP 200."""
    error = {"code": code, "message": message}
    return _json({"subsonic-response": {"status": "failed", "version": "1.16.1", "error": error}})


def plain(body: bytes, *, status: str = "200 OK", kind: str = "text/html") -> Callable[..., Answer]:
    """An answer that is none of the API's."""
    return lambda _: (status, [("Content-Type", kind)], body)


def _json(told: Any) -> Answer:
    return "200 OK", [("Content-Type", "application/json")], json.dumps(told).encode()
