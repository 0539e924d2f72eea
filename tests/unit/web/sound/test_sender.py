"""The sender: what a client is sent while it reads, waits, or has gone."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from library.sound.content import Content, GrowingFile, WholeFile
from progress.errors import ServerFull, TooManyStreams
from web.sound.delivery import Delivery
from web.sound.sender import Sender, SoundLimits

BYTES = random.Random(1).randbytes(1_500_000)
HEAD = b"HEAD\r\n\r\n"
WAIT_SECONDS = 10.0


@pytest.fixture
def sender() -> Iterator[Sender]:
    found = Sender(SoundLimits(each_account=2, in_all=3, idle_seconds=0.1, drain_seconds=0.2))
    yield found
    found.drain()
    found.join()
    assert found.held == 0
    assert "sounds" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "song"
    path.write_bytes(BYTES)
    return path


def whole(path: Path) -> WholeFile:
    return WholeFile.of(os.open(path, os.O_RDONLY))


def send(
    sender: Sender, content: Content, start: int = 0, stop: int | None = None
) -> socket.socket:
    """A client that is sent something."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        client.settimeout(WAIT_SECONDS)
        client.connect(listening.getsockname())
        server, _ = listening.accept()
    sender.admit("account")
    sender.add(Delivery(server, HEAD, content, start, stop, "account"))
    return client


def read_all(client: socket.socket) -> bytes:
    came = bytearray()
    with client:
        while data := client.recv(1 << 16):
            came += data
    return bytes(came)


def test_a_part_is_sent_behind_its_head(sender, file):
    client = send(sender, whole(file), 10, 1_000_010)
    assert read_all(client) == HEAD + BYTES[10:1_000_010]


def test_a_sound_is_sent_as_far_as_it_is_made_and_then_the_rest(sender, tmp_path):
    path = tmp_path / "part"
    with path.open("wb", buffering=0) as maker:
        fcntl.flock(maker, fcntl.LOCK_EX)
        growing = GrowingFile(os.open(path, os.O_RDONLY), 300)
        client = send(sender, growing, 50, 250)
        maker.write(BYTES[:100])
        came = b""
        while len(came) < len(HEAD) + 50:
            came += client.recv(1_000)
        time.sleep(0.3)  # longer than a client may be idle: it waits for nobody but us
        maker.write(BYTES[100:300])
        assert came + read_all(client) == HEAD + BYTES[50:250]


@pytest.mark.parametrize("size", [None, 300])
def test_a_sound_whose_maker_ended_ends(sender, tmp_path, size):
    path = tmp_path / "part"
    path.write_bytes(BYTES[:100])
    client = send(sender, GrowingFile(os.open(path, os.O_RDONLY), size), 0, size)
    assert read_all(client) == HEAD + BYTES[:100]


@pytest.mark.parametrize("change", ["shorter", "written"])
def test_a_file_that_changes_while_it_is_sent_ends_the_connection(sender, file, change):
    client = send(sender, whole(file))
    assert client.recv(4) == HEAD[:4]
    if change == "shorter":
        os.truncate(file, 700_000)
    else:
        file.write_bytes(bytes(len(BYTES)))
    came = read_all(client)
    assert len(came) < len(BYTES)
    assert BYTES.startswith(came[len(HEAD) - 4 :])


def test_a_client_that_takes_nothing_is_left_and_one_that_takes_little_is_not(sender, file):
    idle, slow = send(sender, whole(file)), send(sender, whole(file))
    deadline = time.monotonic() + WAIT_SECONDS
    while sender.held == 2 and time.monotonic() < deadline:
        slow.recv(2_048)
        time.sleep(0.01)
    for _ in range(30):
        slow.recv(2_048)
        time.sleep(0.01)
    assert sender.held == 1
    with closing(slow):
        assert len(read_all(idle)) < len(BYTES)


def is_given_back(sender: Sender) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while sender.held and time.monotonic() < deadline:
        time.sleep(0.01)
    return sender.held == 0


def test_a_client_that_went_gives_its_place_back(sender, file):
    send(sender, whole(file)).close()
    assert is_given_back(sender)


def test_so_does_one_that_went_while_its_song_is_made(sender, tmp_path):
    path = tmp_path / "part"
    with path.open("wb") as maker:
        fcntl.flock(maker, fcntl.LOCK_EX)
        client = send(sender, GrowingFile(os.open(path, os.O_RDONLY), 300))
        assert client.recv(100) == HEAD
        client.close()
        assert is_given_back(sender)


def test_a_fault_with_one_sound_is_no_harm_to_the_others(sender, file, caplog):
    class Faulty(WholeFile):
        def read(self, place: int, count: int) -> bytes:
            raise ValueError("a fault")

    broken = Faulty(os.open(file, os.O_RDONLY), len(BYTES), 0)
    assert read_all(send(sender, broken)) == HEAD
    assert read_all(send(sender, whole(file))) == HEAD + BYTES
    assert [record.action for record in caplog.records] == ["not_sent"]


def test_an_account_and_a_process_have_so_many_places(sender):
    for account in ("one", "one", "two"):
        sender.admit(account)
    with pytest.raises(TooManyStreams):
        sender.admit("one")
    with pytest.raises(ServerFull):
        sender.admit("three")
    for account in ("one", "one", "two"):
        sender.give_back(account)
    sender.admit("three")
    sender.give_back("three")


def test_at_the_end_what_can_be_sent_at_once_is_sent_and_the_rest_is_not(sender, file):
    quick, slow = send(sender, whole(file)), send(sender, whole(file))
    sender.drain()
    assert len(read_all(quick)) == len(HEAD) + len(BYTES)
    sender.join()
    assert len(read_all(slow)) < len(BYTES)
    client, server = socket.socketpair()
    content = whole(file)
    with client, server, closing(content), pytest.raises(OSError, match="about to end"):
        sender.add(Delivery(server, HEAD, content, 0, None, "account"))
