"""Real sockets: what a server does to a connection, and where a name leads."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from library.sources.subsonic import transport
from library.sources.subsonic.address import ServerAddress
from library.sources.subsonic.client import Patience, SubsonicClient
from library.sources.subsonic.errors import AddressRefused, ServerAway, ServerError, TooSlow
from library.sources.subsonic.login import Login, Way
from library.sources.subsonic.transport import Resolve, addresses_of
from tests.certificates import make_certificate
from tests.subsonic.double import Double
from tests.subsonic.sockets import serving, talking

QUICK = Patience(call_seconds=0.4, pauses_seconds=())
OK = b'{"subsonic-response": {"status": "ok"}}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def client(
    address: str, *, allows_private: bool = True, patience: Patience = QUICK
) -> SubsonicClient:
    return SubsonicClient(
        ServerAddress.from_text(address),
        Login("ada", "correct horse"),
        allows_private=allows_private,
        way=Way("POST", "token"),
        patience=patience,
    )


def test_a_real_server_is_asked_over_one_connection() -> None:
    double = Double.with_songs(3)
    with serving(double) as address, client(address) as asked:
        assert asked.call("getSong", [("id", "so-1")])["song"]["title"] == "Song 1"


def test_nothing_of_what_is_sent_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    double = Double.with_songs(1)
    with serving(double) as address:
        asked = SubsonicClient(
            ServerAddress.from_text(address),
            Login("ada", "correct horse"),
            allows_private=True,
            way=Way("GET", "password"),
            patience=QUICK,
        )
        with asked:
            asked.call("getSong", [("id", "so-0")])
    assert caplog.records
    assert double.asked[0][1].count("p=enc") == 1
    assert "enc:" not in caplog.text
    assert "enc%3A" not in caplog.text
    assert b"correct horse".hex() not in caplog.text


def drips(taken: socket.socket, _: bytes) -> None:
    for letter in HEAD + b"X-Slow: " + b"x" * 500:
        taken.sendall(bytes([letter]))
        time.sleep(0.02)


def hangs(taken: socket.socket, _: bytes) -> None:
    taken.settimeout(5)
    while taken.recv(65536):
        pass


def drips_a_body(taken: socket.socket, _: bytes) -> None:
    taken.sendall(HEAD + b"Content-Length: 5000\r\n\r\n")
    for _letter in range(500):
        taken.sendall(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize("talk", [drips, hangs, drips_a_body])
def test_a_server_that_takes_its_time_ends_at_the_deadline(talk: Any) -> None:
    begun = time.monotonic()
    slow = pytest.raises(TooSlow, match="too long to answer")
    with talking(talk) as port, client(f"http://127.0.0.1:{port}") as asked, slow:
        asked.call("ping")
    assert time.monotonic() - begun < 3


def test_all_that_a_page_asks_has_one_deadline() -> None:
    patience = Patience(call_seconds=60, all_seconds=0.3, pauses_seconds=())
    with talking(hangs) as port, client(f"http://127.0.0.1:{port}", patience=patience) as asked:
        for _ in range(2):
            with pytest.raises(TooSlow):
                asked.call("ping")


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 500\r\n\r\n" + OK,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        HEAD + b"X: " + b"y" * 300_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"",
    ],
    ids=["short", "broken off", "huge head", "another protocol", "no length", "nothing"],
)
def test_a_broken_answer_is_a_server_that_is_away(answer: bytes) -> None:
    away = pytest.raises(ServerAway)
    with talking(lambda taken, _: taken.sendall(answer)) as port, away as raised:
        client(f"http://127.0.0.1:{port}").call("ping")
    assert str(raised.value).endswith(".")


def test_nobody_there_no_name_and_no_https_are_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with client(f"http://127.0.0.1:{port}") as asked, pytest.raises(ServerAway, match="running"):
        asked.call("ping")
    with asked_by(lambda *_: []) as asked, pytest.raises(ServerAway, match="no server with"):
        asked.call("ping")
    with serving(Double()) as address:
        https = address.replace("http:", "https:")
        with client(https) as asked, pytest.raises(ServerError, match=r"HTTPS|broke"):
            asked.call("ping")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1"])
def test_a_private_address_is_not_connected_to_however_it_is_written(host: str) -> None:
    taken: list[bytes] = []
    refused = pytest.raises(AddressRefused, match="private network")
    with talking(lambda _, head: taken.append(head)) as port, refused:
        client(f"http://{host}:{port}", allows_private=False).call("ping")
    assert not taken


def test_a_metadata_address_is_not_connected_to_where_private_ones_are() -> None:
    with pytest.raises(AddressRefused, match="no music server has"):
        client("http://169.254.169.254/latest/meta-data").call("ping")


def asked_by(
    resolve: Resolve, host: str = "music.example.org:1", *, scheme: str = "http"
) -> SubsonicClient:
    address = ServerAddress.from_text(f"{scheme}://{host}")
    return SubsonicClient(
        address,
        Login("ada", "correct horse"),
        resolve=resolve,
        allows_private=True,
        way=Way("POST", "token"),
        patience=QUICK,
    )


def test_a_name_that_means_another_address_a_moment_later_leads_nowhere_else() -> None:
    """What is checked is what is connected to: the name is not looked up again in between."""
    looked_up: list[str] = []
    answers = iter(["127.0.0.1", "169.254.169.254", "169.254.169.254"])

    def resolve(host: str, port: int) -> list[Any]:
        looked_up.append(host)
        return [ipaddress.ip_address(next(answers))]

    double = Double()
    with serving(double) as address:
        port = address.rpartition(":")[2]
        with asked_by(resolve, f"music.example.org:{port}") as asked:
            asked.call("ping")
            assert looked_up == ["music.example.org"]
        with pytest.raises(AddressRefused):
            asked_by(resolve, f"music.example.org:{port}").call("ping")
    assert len(double.asked) == 1


def test_the_certificate_is_that_of_the_name_and_not_of_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = make_certificate(tmp_path, "music.example.org")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    here: Resolve = lambda *_: [ipaddress.ip_address("127.0.0.1")]  # noqa: E731
    with serving(Double(), tls=tls) as address:
        port = address.rpartition(":")[2]
        with monkeypatch.context() as patch:
            patch.setattr(transport, "_trusted", lambda: trusting)
            with asked_by(here, f"music.example.org:{port}", scheme="https") as asked:
                asked.call("ping")
            refused = pytest.raises(ServerAway, match="certificate is not valid for its name")
            with refused, asked_by(here, f"other.example.org:{port}", scheme="https") as asked:
                asked.call("ping")
        with refused, asked_by(here, f"music.example.org:{port}", scheme="https") as asked:
            asked.call("ping")


def test_of_several_addresses_the_allowed_ones_are_tried_in_turn() -> None:
    told = ["169.254.169.254", "127.0.0.2", "127.0.0.1"]
    with serving(Double()) as address:
        port = address.rpartition(":")[2]
        found = [ipaddress.ip_address(text) for text in told]
        with asked_by(lambda *_: found, f"music.example.org:{port}") as asked:
            asked.call("ping")


def test_a_name_that_is_looked_up_for_ever_ends_at_the_deadline() -> None:
    with (
        asked_by(lambda *_: time.sleep(1) or []) as asked,
        pytest.raises(TooSlow, match="looked up in time"),
    ):
        asked.call("ping")


def test_the_systems_names_are_looked_up() -> None:
    assert ipaddress.ip_address("127.0.0.1") in addresses_of("localhost", 80)
    assert addresses_of("no-such-name.invalid", 80) == []
