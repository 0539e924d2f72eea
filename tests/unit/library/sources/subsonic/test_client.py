from __future__ import annotations

import gzip
import logging
from typing import Any

import httpx
import pytest

from library.sources.subsonic import bodies
from library.sources.subsonic.address import ServerAddress
from library.sources.subsonic.bodies import MAX_ANSWER_BYTES
from library.sources.subsonic.client import SubsonicClient
from library.sources.subsonic.errors import (
    AnswerRefused,
    Failed,
    LoginRefused,
    NotFound,
    ServerAway,
    ServerError,
)
from library.sources.subsonic.login import Login, Way
from tests.subsonic.double import Double, failed, plain

PASSWORD = "correct horse"
ADDRESS = ServerAddress.from_text("http://music.example.org/sub")


def client(double: Any, login: Login | None = None, way: Way | None = None) -> SubsonicClient:
    """A client of the double, without a network between."""
    transport = double if isinstance(double, httpx.BaseTransport) else httpx.WSGITransport(double)
    login = login or Login("ada", PASSWORD)
    return SubsonicClient(ADDRESS, login, transport=transport, way=way, sleep=lambda _: None)


def test_a_token_is_sent_in_a_form_where_the_server_takes_both() -> None:
    double = Double()
    assert client(double).way == Way("POST", "token")
    method, path, said = double.asked[-1]
    assert (method, path) == ("POST", "/sub/rest/ping.view")
    assert "p" not in said


@pytest.mark.parametrize(
    ("double", "way"),
    [
        (Double(extensions=None), Way("POST", "token")),
        (Double(extensions=None, knows_tokens=False), Way("POST", "password")),
        (Double(extensions=(), reads_forms=False), Way("GET", "token")),
        (Double(extensions=None, reads_forms=False, knows_tokens=False), Way("GET", "password")),
        (
            Double(knows_tokens=False, most_version="1.12.0"),
            Way("POST", "password", "1.8.0"),
        ),
        (Double(most_version="1.15.0"), Way("POST", "token")),
    ],
    ids=["no extensions", "no tokens", "no forms", "neither", "old", "older than the newest"],
)
def test_the_safest_way_that_a_server_knows_is_found(double: Double, way: Way) -> None:
    assert client(double).way == way
    if way.method == "POST":
        assert not any("p=" in path or "t=" in path for _, path, _ in double.asked)


def test_a_server_that_takes_no_form_at_all_is_asked_by_its_address() -> None:
    double = Double(extensions=None, reads_forms=False)

    def answers(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            start_response("405 Method Not Allowed", [("Content-Type", "text/html")])
            return [b"<html>no</html>"]
        return double(environ, start_response)

    assert client(answers).way == Way("GET", "token")


def test_an_api_key_is_sent_where_the_server_takes_it() -> None:
    double = Double(api_key="key-of-ada", extensions=("formPost", "apiKeyAuthentication"))
    asked = client(double, Login(api_key="key-of-ada"))
    assert asked.way == Way("POST", "api_key")
    assert "u" not in double.asked[-1][2]
    with pytest.raises(LoginRefused, match="API key is wrong"):
        client(double, Login(api_key="another-key")).call("ping")


@pytest.mark.parametrize("extensions", [None, ("formPost",)])
def test_a_server_without_api_keys_says_so(extensions: tuple[str, ...] | None) -> None:
    with pytest.raises(LoginRefused, match="takes no API keys"):
        client(Double(extensions=extensions), Login(api_key="some-key")).call("ping")


@pytest.mark.parametrize("knows_tokens", [True, False])
@pytest.mark.parametrize("extensions", [None, ("formPost",)])
def test_a_wrong_password_is_told_and_never_put_into_an_address(
    knows_tokens: bool, extensions: tuple[str, ...] | None
) -> None:
    double = Double(knows_tokens=knows_tokens, extensions=extensions)
    with pytest.raises(LoginRefused, match="user name or password is wrong"):
        client(double, Login("ada", "my other password")).call("ping")
    assert not any("p=" in path for _, path, _ in double.asked)


def test_a_way_that_is_known_is_not_looked_for_and_is_found_anew_when_it_is_closed() -> None:
    double = Double()
    known = client(double, way=Way("POST", "token"))
    known.call("ping")
    assert len(double.asked) == 1
    double.knows_tokens = False
    known.call("ping")
    assert known.way == Way("POST", "password")


def test_a_way_is_kept_in_settings() -> None:
    way = Way("GET", "token", "1.8.0")
    assert Way.from_json(way.as_json()) == way
    assert Way.from_json({"method": "DELETE"}) is Way.from_json(None) is None


def test_errors_are_told_in_the_servers_words_without_the_secrets() -> None:
    double = Double(faults={"getSong": lambda said: failed(0, f"no: {said} {PASSWORD}")})
    with pytest.raises(Failed, match="no: ") as raised:
        client(double, way=Way("GET", "password")).call("getSong", [("id", "1")])
    assert PASSWORD not in str(raised.value)
    assert PASSWORD.encode().hex() not in str(raised.value)
    with pytest.raises(NotFound, match="Song not found"):
        client(Double()).call("getSong", [("id", "1")])


def test_no_secret_is_in_a_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for method in ("POST", "GET"):
        double = Double(faults={"getSong": plain(b"<p>no</p>", status="403 Forbidden")})
        asked = client(double, way=Way(method, "password"))  # type: ignore[arg-type]
        with pytest.raises(AnswerRefused, match="HTTP 403") as raised:
            asked.call("getSong", [("id", "1")])
        error: BaseException | None = raised.value
        while error is not None:
            assert PASSWORD.encode().hex() not in repr(error)
            error = error.__cause__ or error.__context__
    assert PASSWORD.encode().hex() not in caplog.text
    assert PASSWORD not in repr(asked) + repr(Login("ada", PASSWORD, "key"))


def test_a_server_that_is_away_is_asked_again_and_one_that_writes_is_not() -> None:
    double = Double()
    answers = iter([True, True, False, True, True, True])

    def fault(_: Any) -> Any:
        return plain(b"", status="503 Service Unavailable")(_) if next(answers) else None

    double.faults = {"getSong": fault, "star": fault}
    with pytest.raises(NotFound):
        client(double).call("getSong", [("id", "1")])
    assert double.calls("getSong") == 3
    with pytest.raises(ServerAway, match="HTTP 503"):
        client(double).call("star", [("id", "1")], writes=True)
    assert double.calls("star") == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (plain(b"<html>hello</html>"), "a page"),
        (plain(b"", status="404 Not Found"), "no Subsonic API at this address"),
        (plain(b"no", status="401 Unauthorized"), "HTTP 401"),
        (plain(b"{}", status="200 OK"), "not by the Subsonic API"),
        (plain(b"x" * (MAX_ANSWER_BYTES + 1)), "larger than any"),
    ],
    ids=["page", "404", "401", "other JSON", "huge"],
)
def test_an_answer_that_is_none_is_one_clear_sentence(fault: Any, said: str) -> None:
    with pytest.raises(ServerError, match=said):
        client(Double(faults={"getSong": fault})).call("getSong", [("id", "1")])


def test_packed_answers_are_read_and_a_bomb_is_not() -> None:
    class Packed(httpx.BaseTransport):
        def __init__(self, body: bytes, packing: str = "gzip") -> None:
            self.headers, self.body = {"Content-Encoding": packing}, body

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert request.headers["Accept-Encoding"] == "gzip"
            return httpx.Response(200, headers=self.headers, stream=httpx.ByteStream(self.body))

    fine = gzip.compress(b'{"subsonic-response": {"status": "ok", "a": 1}}')
    assert client(Packed(fine), way=Way("POST", "token")).call("ping")["a"] == 1
    for broken, said in (
        (gzip.compress(b" " * (MAX_ANSWER_BYTES + 9)), "larger than any"),
        (b"\x1f\x8b nonsense", "damaged"),
    ):
        with pytest.raises(AnswerRefused, match=said):
            client(Packed(broken), way=Way("POST", "token")).call("ping")
    with pytest.raises(AnswerRefused, match="packs"):
        client(Packed(fine, "br"), way=Way("POST", "token")).call("ping")


def test_a_bomb_is_never_unpacked_beyond_the_bound() -> None:
    body = httpx.ByteStream(gzip.compress(b" " * 1_000_000))
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=body)
    assert max(map(len, bodies._unpacked(answer, 1_000))) == 1_001


def test_a_redirect_is_followed_on_the_same_server_with_the_form() -> None:
    double = Double()

    def answers(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["wsgi.url_scheme"] == "http":
            path = environ["PATH_INFO"]
            start_response("308 Permanent", [("Location", f"https://music.example.org{path}")])
            return [b""]
        return double(environ, start_response)

    assert client(answers).way == Way("POST", "token")


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/", "http://other.example.org/", "/sub/rest/ping.view", "http://[", ""],
)
def test_a_redirect_elsewhere_or_in_a_circle_is_not_followed(location: str) -> None:
    fault = lambda _: ("302 Found", [("Location", location)], b"")  # noqa: E731
    double = Double(faults={"ping": fault})
    with pytest.raises(AnswerRefused, match="another address"):
        client(double, way=Way("POST", "token")).call("ping")
    assert len(double.asked) <= 4
