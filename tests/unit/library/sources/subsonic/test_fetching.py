"""Downloads that break in the midst, over real sockets."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from library.errors import UnreadableFile
from library.sources.subsonic.address import ServerAddress
from library.sources.subsonic.cache import SoundCache
from library.sources.subsonic.client import Patience, SubsonicClient
from library.sources.subsonic.errors import ServerAway
from library.sources.subsonic.fetching import fetch_sound
from library.sources.subsonic.login import Login, Proof, Way
from tests.subsonic.sockets import Talk, talking

SOUND = bytes(range(256)) * 800
HEAD = b"HTTP/1.1 %s\r\nContent-Type: audio/ogg\r\nConnection: close\r\n"


def fetched(
    talk: Talk,
    folder: Path,
    *,
    size: int | None = len(SOUND),
    way: Way = Way("POST", "token"),  # noqa: B008 - it never changes
) -> bytes:
    with talking(talk) as port:
        client = SubsonicClient(
            ServerAddress.from_text(f"http://127.0.0.1:{port}"),
            Login("ada", "correct horse"),
            allows_private=True,
            way=way,
            patience=Patience(call_seconds=2, pauses_seconds=()),
        )
        cache = SoundCache(folder, 10_000_000)

        def fetch(part) -> None:
            fetch_sound(client, "1", part, size=size, at_most=cache.max_bytes)

        with client, cache.file("song", fetch=fetch) as path:
            return path.read_bytes()


class Breaking:
    """A server that breaks each answer off after some bytes."""

    def __init__(self, after: int, *, ranges: bool = True, tells_length: bool = True) -> None:
        self.after, self.ranges, self.tells_length = after, ranges, tells_length
        self.begun: list[int] = []

    def __call__(self, taken: socket.socket, head: bytes) -> None:
        asked = re.search(rb"[Rr]ange: bytes=(\d+)-", head)
        start = int(asked[1]) if asked and self.ranges else 0
        self.begun.append(start)
        status = b"206 Partial Content" if start else b"200 OK"
        told = HEAD % status
        if start:
            told += b"Content-Range: bytes %d-%d/%d\r\n" % (start, len(SOUND) - 1, len(SOUND))
        if self.tells_length:
            told += b"Content-Length: %d\r\n" % (len(SOUND) - start)
        taken.sendall(told + b"\r\n" + SOUND[start : start + self.after])


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_download_goes_on_where_it_broke_off(tmp_path: Path, tells_length: bool) -> None:
    server = Breaking(90_000, tells_length=tells_length)
    assert fetched(server, tmp_path) == SOUND
    assert server.begun == [0, 90_000, 180_000]


@pytest.mark.parametrize("proof", ["password", "api_key"])
def test_no_password_is_put_into_an_address_to_go_on_by(tmp_path: Path, proof: Proof) -> None:
    heads: list[bytes] = []

    def talk(taken: socket.socket, head: bytes) -> None:
        heads.append(head)
        sent = SOUND[:5_000] if len(heads) == 1 else SOUND
        taken.sendall(HEAD % b"200 OK" + b"Content-Length: %d\r\n\r\n" % len(SOUND) + sent)

    assert fetched(talk, tmp_path, way=Way("POST", proof)) == SOUND
    assert [head.partition(b" HTTP")[0] for head in heads] == [b"POST /rest/download.view"] * 2


def test_a_server_without_ranges_is_begun_again(tmp_path: Path) -> None:
    server = Breaking(10**9, ranges=False)
    with pytest.raises(ServerAway):
        fetched(Breaking(5_000, ranges=False), tmp_path)
    assert fetched(server, tmp_path) == SOUND
    assert not any(path.suffix == ".part" for path in tmp_path.iterdir())


def test_a_range_that_begins_elsewhere_is_not_put_together(tmp_path: Path) -> None:
    begun: list[bytes] = []

    def talk(taken: socket.socket, head: bytes) -> None:
        begun.append(head)
        if len(begun) == 1:
            taken.sendall(HEAD % b"200 OK" + b"Content-Length: 9\r\n\r\nabc")
        elif len(begun) == 2:
            told = b"Content-Range: bytes 0-8/9\r\nContent-Length: 9\r\n\r\n123456789"
            taken.sendall(HEAD % b"206 Partial Content" + told)

    assert fetched(talk, tmp_path, size=9) == b"123456789"


def test_a_server_that_says_that_there_is_no_more_is_begun_again(tmp_path: Path) -> None:
    begun: list[bytes] = []

    def talk(taken: socket.socket, head: bytes) -> None:
        begun.append(head)
        if len(begun) == 1:
            taken.sendall(HEAD % b"200 OK" + b"Content-Length: 9\r\n\r\nabc")
        elif b"ange: bytes" in head:
            taken.sendall(HEAD % b"416 Range Not Satisfiable" + b"Content-Length: 0\r\n\r\n")
        else:
            taken.sendall(HEAD % b"200 OK" + b"Content-Length: 3\r\n\r\nabc")

    assert fetched(talk, tmp_path, size=3) == b"abc"


def test_a_server_that_breaks_off_without_a_byte_is_away(tmp_path: Path) -> None:
    with pytest.raises(ServerAway):
        fetched(lambda taken, _: None, tmp_path)


def test_a_shorter_file_than_was_told_is_taken_as_it_is(tmp_path: Path) -> None:
    def talk(taken: socket.socket, head: bytes) -> None:
        if b"ange: bytes" in head:
            taken.sendall(HEAD % b"416 Range Not Satisfiable" + b"\r\n")
        else:
            taken.sendall(HEAD % b"200 OK" + b"\r\nabc")

    with pytest.raises(UnreadableFile, match="does not send"):
        fetched(talk, tmp_path / "one", size=9)
    assert fetched(talk, tmp_path / "two", size=None) == b"abc"
