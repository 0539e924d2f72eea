"""How long a music server's library takes to read, beside the same requests by bare httpx.

5,000 songs in 500 albums, 20 playlists of 100 songs and 250 stars, on a real server (supysonic).
What the source asks is recorded once. Then both sides are timed in turn: the source until every
song, playlist and star is a record of the domain, and httpx until every answer is parsed JSON.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx

from library.sources.places import SongIndex
from library.sources.subsonic.address import ServerAddress
from library.sources.subsonic.cache import SoundCache
from library.sources.subsonic.client import SubsonicClient
from library.sources.subsonic.login import Login
from library.sources.subsonic.server import MusicServer
from library.sources.subsonic.source import SubsonicSource
from tests.subsonic.real import RealServer, supysonic

SONGS_AN_ALBUM = 10
PLAYLISTS, SONGS_A_PLAYLIST = 20, 100
#: Every so many songs one has a star.
STARRED_EVERY = 20
#: The share of bare httpx's speed that is asked for.
LEAST_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it was sent."""

    method: str
    url: str
    content: bytes
    kind: str


class _Recorder(httpx.BaseTransport):
    """Passes requests on, and keeps them."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        kind = request.headers.get("Content-Type", "")
        self.asked.append(Asked(request.method, str(request.url), request.read(), kind))
        return self._network.handle_request(request)

    def close(self) -> None:
        self._network.close()


def measure(*, songs: int = 5_000, rounds: int = 3) -> dict[str, object]:
    """The medians of both sides, in seconds, as a row."""
    with (
        tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder,
        _server(Path(folder), songs) as server,
    ):
        recorder = _Recorder()
        found = _read(server, recorder)
        assert found == songs, found
        times: dict[str, list[float]] = {"s": [], "floor_s": []}
        for _ in range(rounds):
            times["floor_s"].append(_timed(lambda: _bare(recorder.asked)))
            times["s"].append(_timed(lambda: _read(server)))
    took, floor = (statistics.median(times[name]) for name in ("s", "floor_s"))
    return {
        "bench": "sync",
        "case": "subsonic",
        "songs": songs,
        "requests": len(recorder.asked),
        "s": round(took, 3),
        "floor_s": round(floor, 3),
        "share": round(floor / took, 3),
    }


@contextmanager
def _server(folder: Path, songs: int) -> Iterator[RealServer]:
    albums = [
        (f"Artist {number % 97}", f"Album {number}", SONGS_AN_ALBUM)
        for number in range(songs // SONGS_AN_ALBUM)
    ]
    with supysonic(folder, albums) as server, _client(server) as client:
        ids = [song.id for song in MusicServer(client).all_songs()]
        for number in range(PLAYLISTS):
            start = number * len(ids) // PLAYLISTS
            names = ids[start : start + SONGS_A_PLAYLIST]
            MusicServer(client).create_playlist(f"Playlist {number}", names)
        for song_id in ids[::STARRED_EVERY]:
            MusicServer(client).star(song_id)
        yield server


def _client(server: RealServer, transport: httpx.BaseTransport | None = None) -> SubsonicClient:
    return SubsonicClient(
        ServerAddress.from_text(server.address),
        Login(server.user, server.password),
        transport=transport,
        allows_private=True,
    )


def _read(server: RealServer, transport: httpx.BaseTransport | None = None) -> int:
    """Read everything as a first sync does, without a database; how many songs there are."""
    nowhere = SoundCache(Path("/nowhere"), 1)
    client = _client(server, transport)
    music = SubsonicSource(MusicServer(client), source_id=UUID(int=1), name="x", sounds=nowhere)
    contents = music.scan()
    index = SongIndex(contents.songs)
    for name in contents.songs:
        music.fingerprint(name)
        music.read_song(name)
    for name in contents.playlists:
        music.read_playlists(name, index)
    music.close()
    return len(contents.songs)


def _bare(asked: list[Asked]) -> None:
    with httpx.Client() as client:
        for request in asked:
            headers = {"Content-Type": request.kind} if request.kind else {}
            answer = client.request(
                request.method, request.url, content=request.content, headers=headers
            )
            answer.json()


def _timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun
