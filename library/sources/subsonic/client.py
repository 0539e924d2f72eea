"""A client of the Subsonic API: every call bounded in time and size, no secret in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from .address import ServerAddress
from .answers import OTHER_LOGIN, payload_of
from .bodies import read_bounded
from .errors import AnswerRefused, Failed, ServerAway
from .login import VERSIONS, Login, Way
from .negotiation import find_way
from .transport import Deadline, GuardedTransport, Resolve

T = TypeVar("T")
Parameter = tuple[str, str | int]
Parameters = Sequence[Parameter]

_MAX_REDIRECTS = 3
#: Fewer bytes a second than this are no download.
_LEAST_BYTES_A_SECOND = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client waits, and how often it asks again."""

    #: For one answer.
    call_seconds: float = 60.0
    #: For all that is asked. None: as long as it takes.
    all_seconds: float | None = None
    #: Waits before asking again, of a server that is away. Nothing that writes is asked again.
    pauses_seconds: tuple[float, ...] = (1.0, 4.0)


#: Of a page that a person waits for.
BRIEF = Patience(call_seconds=8.0, all_seconds=10.0, pauses_seconds=())


class SubsonicClient:
    """One person's calls to one server, one at a time. It belongs to one thread."""

    def __init__(
        self,
        address: ServerAddress,
        login: Login,
        *,
        transport: httpx.BaseTransport | None = None,
        resolve: Resolve | None = None,
        allows_private: bool = False,
        way: Way | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self._login = login
        self._deadline = Deadline()
        self._transport = transport or GuardedTransport(
            allows_private=allows_private, deadline=self._deadline, resolve=resolve
        )
        self._way = way
        self._patience = patience or Patience()
        self._sleep = sleep
        whole = self._patience.all_seconds
        self._ends_at = None if whole is None else time.monotonic() + whole

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> SubsonicClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def way(self) -> Way:
        """How the server is asked, found out at the first call.

        Raises:
            ServerError: the server lets nobody in, or cannot be asked.
        """
        if self._way is None:
            self._way = self._found_way()
        return self._way

    def _found_way(self) -> Way:
        return find_way(self._login, lambda way, endpoint: self._ask(way, endpoint, ()))

    def call(
        self, endpoint: str, parameters: Parameters = (), *, writes: bool = False
    ) -> dict[str, Any]:
        """What the server answers to one call.

        Raises:
            ServerError: it does not answer, or refuses.
        """
        return self._with_login(lambda way: self._ask(way, endpoint, parameters), pauses=not writes)

    @contextmanager
    def download(
        self, endpoint: str, parameters: Parameters, *, offset: int, at_most: int
    ) -> Iterator[httpx.Response]:
        """The answer of a call that sends a file, from a byte on; the body is not read yet.

        An answer with another status than 206 begins with the first byte.

        Raises:
            ServerError: it does not answer, or refuses.
        """
        seconds = self._patience.call_seconds + at_most / _LEAST_BYTES_A_SECOND

        def begin(way: Way) -> httpx.Response:
            headers = {"Accept-Encoding": "identity"}
            if offset and way.resuming is not None:
                way, headers["Range"] = way.resuming, f"bytes={offset}-"
            response = self._send(way, endpoint, parameters, headers=headers, seconds=seconds)
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            # Errors come as documents, also where a file was asked for.
            if kind.endswith(("json", "xml", "html")) or response.status_code >= 400:
                with closing(response):
                    self._read(response)
                raise AnswerRefused("The server sends a document instead of sound.")
            return response

        with closing(self._with_login(begin, pauses=True)) as response:
            yield response

    def _with_login(self, ask: Callable[[Way], T], *, pauses: bool) -> T:
        try:
            return self._again(lambda: ask(self.way), pauses=pauses)
        except Failed as error:
            # What was found out once may hold no longer, after an update of the server.
            if error.code not in OTHER_LOGIN or self._way is None:
                raise
            found = self._found_way()
            if found == self._way:
                raise
            self._way = found
            return self._again(lambda: ask(found), pauses=pauses)

    def _again(self, ask: Callable[[], T], *, pauses: bool) -> T:
        for pause in self._patience.pauses_seconds if pauses else ():
            try:
                return ask()
            except ServerAway:
                self._sleep(pause)
        return ask()

    def _ask(self, way: Way | None, endpoint: str, parameters: Parameters) -> dict[str, Any]:
        seconds = self._patience.call_seconds
        response = self._send(way, endpoint, parameters, headers={}, seconds=seconds)
        with closing(response):
            return self._read(response)

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        """What is told in an answer, or the error that it is."""
        status = response.status_code
        if status >= 500 or status == 429:
            raise ServerAway(f"The server has a fault of its own (HTTP {status}).")
        body = read_bounded(response)
        try:
            return payload_of(body, redacted=self._login.redacted)
        except AnswerRefused:
            if status == 404:
                raise AnswerRefused(
                    "There is no Subsonic API at this address: check its path."
                ) from None
            if status >= 400:
                raise AnswerRefused(f"The server refuses to answer (HTTP {status}).") from None
            raise

    def _send(
        self,
        way: Way | None,
        endpoint: str,
        parameters: Parameters,
        *,
        headers: dict[str, str],
        seconds: float,
    ) -> httpx.Response:
        """An answer, its body not read yet. Redirects are followed on the same server alone."""
        self._deadline.begin(self._seconds(seconds))
        version = VERSIONS[0] if way is None else way.version
        said: list[Parameter] = [("v", version), ("c", "earmark"), ("f", "json")]
        if way is not None:
            said += self._login.parameters(way.proof).items()
        form = urlencode([*said, *parameters])
        is_form = way is not None and way.method == "POST"
        url = self.address.url(endpoint) + ("" if is_form else f"?{form}")
        for _ in range(_MAX_REDIRECTS + 1):
            request = _request(url, form if is_form else None, headers)
            response = self._transport.handle_request(request)
            location = response.headers.get("Location")
            if location is None or response.status_code not in (301, 302, 303, 307, 308):
                return response
            response.close()
            url = _joined(request.url, location)
            if not self.address.allows_redirect_to(url):
                break
        raise AnswerRefused(
            "The server sends on to another address, where Earmark does not follow: give the "
            "address that it sends to, if it is yours."
        )

    def _seconds(self, seconds: float) -> float:
        if self._ends_at is None:
            return seconds
        return min(seconds, self._ends_at - time.monotonic())


def _joined(url: httpx.URL, location: str) -> str:
    try:
        return str(url.join(location))
    except (httpx.InvalidURL, ValueError):
        return ""


def _request(url: str, form: str | None, headers: dict[str, str]) -> httpx.Request:
    sent = {"Accept-Encoding": "gzip", "User-Agent": "Earmark"} | headers
    if form is None:
        return httpx.Request("GET", url, headers=sent)
    sent["Content-Type"] = "application/x-www-form-urlencoded"
    return httpx.Request("POST", url, headers=sent, content=form.encode("ascii"))
