"""Sounds under a real gunicorn: however slowly clients read, no thread waits for them."""

from __future__ import annotations

import os
import random
import socket
import statistics
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from library.database import Database
from tests.integration.web.listening import Listener, listener
from tests.integration.web.served import Served
from tests.nginx import nginx

ACCOUNTS, EACH = 5, 10
SONG = b"fLaC" + random.Random(1).randbytes(6_000_000)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for name in ("long.flac", "changing.flac", "shrinking.flac"):
        (folder / name).write_bytes(SONG)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture(scope="module")
def listeners(one_thread: Served, music: Path) -> list[Listener]:
    with closing(Database(one_thread.database_url)) as database:
        return [listener(one_thread, database, music, f"listener{n}") for n in range(ACCOUNTS)]


def read_all(client: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of an answer that ends with its connection."""
    came = bytearray()
    while data := client.recv(1 << 16):
        came += data
    head, _, body = bytes(came).partition(b"\r\n\r\n")
    return head, body


def page_seconds(person: Listener, times: int) -> list[float]:
    found = []
    for _ in range(times):
        begun = time.monotonic()
        answer = person.site.get("/account", Cookie=person.cookie)
        assert answer.status == 200
        found.append(time.monotonic() - begun)
    return found


def test_fifty_that_read_a_kilobyte_a_second_hold_up_no_page_of_the_one_thread(listeners):
    page_seconds(listeners[0], 3)
    before = statistics.median(page_seconds(listeners[0], 15))
    with ExitStack() as stack:
        slow = [
            stack.enter_context(who.ask("long.flac", small_buffer=True))
            for who in listeners
            for _ in range(EACH)
        ]
        came, stop = [bytearray() for _ in slow], threading.Event()

        def read() -> None:
            while not stop.wait(1 / 16):
                for number, client in enumerate(slow):
                    came[number] += client.recv(64)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            beside = statistics.median(page_seconds(listeners[0], 25))
            with listeners[1].ask("long.flac", Range="bytes=100-5000099") as quick:
                head, body = read_all(quick)
            stop.wait(0.8)
        finally:
            stop.set()
            reader.join()
        assert beside < max(3 * before, before + 0.05)
        assert head.startswith(b"HTTP/1.1 206")
        assert body == SONG[100:5_000_100]
        for got in came:
            sent_head, _, sent = bytes(got).partition(b"\r\n\r\n")
            assert sent_head.startswith(b"HTTP/1.1 200")
            assert sent
            assert SONG.startswith(sent)


def test_an_account_has_no_more_than_its_share_and_the_next_is_told_so(listeners):
    with ExitStack() as stack:
        for _ in range(12):
            client = stack.enter_context(listeners[2].ask("long.flac", small_buffer=True))
            assert client.recv(12) == b"HTTP/1.1 200"
        refused = listeners[2].site.get(listeners[2].path("long.flac"), Cookie=listeners[2].cookie)
        assert refused.status == 429
        assert refused.headers["Retry-After"] == "5"
        assert "Too many songs" in refused.text
        other = stack.enter_context(listeners[3].ask("long.flac"))
        assert other.recv(12) == b"HTTP/1.1 200"


def test_a_file_that_becomes_shorter_under_way_ends_the_connection(listeners, music):
    with listeners[0].ask("shrinking.flac", small_buffer=True) as client:
        assert client.recv(12) == b"HTTP/1.1 200"
        os.truncate(music / "shrinking.flac", 1_000_000)
        head, body = read_all(client)
    assert f"Content-Length: {len(SONG)}".encode() in head
    assert len(body) < len(SONG)
    assert SONG.startswith(body)


def test_a_file_that_is_replaced_under_way_is_sent_as_it_was_and_then_as_it_is(listeners, music):
    with listeners[0].ask("changing.flac", small_buffer=True) as client:
        assert client.recv(4) == b"HTTP"
        (music / "new").write_bytes(b"fLaC" + bytes(100))
        (music / "new").replace(music / "changing.flac")
        assert read_all(client)[1] == SONG
    with listeners[0].ask("changing.flac", Connection="close") as client:
        assert read_all(client)[1] == b"fLaC" + bytes(100)


def test_behind_nginx_a_song_comes_whole_and_by_ranges(listeners, tmp_path):
    who = listeners[4]
    with nginx(tmp_path, f"127.0.0.1:{who.site.port}") as port, ExitStack() as stack:
        for header, wanted in (("", SONG), ("bytes=-1000", SONG[-1000:]), ("bytes=9-", SONG[9:])):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            said = f"GET {who.path('long.flac')} HTTP/1.1\r\nHost: x\r\nCookie: {who.cookie}\r\n"
            client.sendall(f"{said}Connection: close\r\nRange: {header}\r\n\r\n".encode())
            head, body = read_all(client)
            assert body == wanted, head
