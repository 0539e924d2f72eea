"""Connections to the log's server: with which limits, and one client for each process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..errors import LogUnavailable, MessagesRefused
from ..forks import after_fork_in_child
from ..log import LogRef
from ..rules.script import append_script
from .commands import QuickCommands

#: A connection that does not answer for this long is given up.
DEFAULT_TIMEOUT_SECONDS = 2.0

_APPEND = append_script()
#: What the log relies on, whatever the URL says. Names and documents are bytes in UTF-8.
_ALWAYS = {
    "retry_on_error": [redis.ConnectionError],
    "decode_responses": False,
    "encoding": "utf-8",
    "encoding_errors": "strict",
}


class Server(Protocol):
    """What the books beside a log need of its server."""

    #: The first part of every key's name.
    prefix: str

    @property
    def client(self) -> Any:
        """This process's client."""
        ...

    def run_script(self, text: str, *, keys: list[str], arguments: list[Any]) -> Any:
        """Run a Lua script; raises `LogUnavailable`."""
        ...

    def key(self, ref: LogRef, name: str) -> str:
        """The name of a key beside a log's own."""
        ...

    def check_up(self) -> None:
        """Log, once in each process, what of the server or its user keeps the log from its best."""
        ...


def safe_client(url: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> redis.Redis:
    """A client with time limits and retries of its own in place of redis-py's.

    redis-py 8 retries ten times with a back-off, which turns a lost server into half a
    minute of silence; earlier versions wait for ever. An append may safely be sent twice, so one
    retry at once is right: it heals a connection that the server had closed.

    Raises:
        ValueError: the URL is none, or has an option that there is not.
    """
    asked = parse_qs(urlsplit(url).query)
    # With a bound on connections a thread waits for one, where redis-py would fail at once.
    is_bounded = "max_connections" in asked
    make = redis.BlockingConnectionPool if is_bounded else redis.ConnectionPool
    pool = make.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        **({"timeout": timeout_seconds} if is_bounded and "timeout" not in asked else {}),
    )
    # Set here, since an option in the URL wins over an argument.
    pool.connection_kwargs |= _ALWAYS | {"retry": Retry(NoBackoff(), 1)}
    try:
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        raise ValueError(
            f"The URL of the Redis server has an option that cannot be used ({error}): check what "
            "follows the question mark."
        ) from error
    return redis.Redis.from_pool(pool)


@contextmanager
def unavailable() -> Iterator[None]:
    """Raise `LogUnavailable` for whatever the client raises."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise LogUnavailable(f"The log's server did not do its part: {error}") from error


class ProcessClient:
    """A client for each process: made at the first use, and made anew after a fork.

    A client that was made before a fork shares its sockets with the parent. So a child makes its
    own and leaves the inherited one alone: closing that would close the parent's sockets.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._renew_lock()
        after_fork_in_child(self._renew_lock)
        self._pid = 0
        self._client: Any = None

    def _renew_lock(self) -> None:
        # Another thread may have held the lock at the moment of the fork.
        self._lock = threading.Lock()

    @property
    def client(self) -> Any:
        """This process's client."""
        self._begin_once()
        return self._client

    @property
    def commands(self) -> QuickCommands:
        """The short way for commands that are sent with every request or report."""
        self._begin_once()
        return self._commands

    def append(self, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        """The reply of the script that appends a batch."""
        try:
            return self.commands.execute(*self.append_command(keys, arguments))
        except redis.exceptions.NoScriptError:  # a server that is new, or has forgotten it
            return self._script(keys=keys, args=arguments)

    def append_command(
        self, keys: Sequence[str], arguments: Sequence[str | bytes | int]
    ) -> tuple[str | bytes | int, ...]:
        """The command that appends a batch on a server that knows the script."""
        self._begin_once()
        return ("EVALSHA", self._script.sha, len(keys), *keys, *arguments)

    def close(self) -> None:
        """Close this process's connections; the next use opens them anew."""
        with self._lock:
            if self._pid == os.getpid() and self._client is not None:
                self._client.close()
            self._pid = 0

    def _begin_once(self) -> None:
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():  # another thread was faster
                return
            self._client = self._make()
            self._commands = QuickCommands(self._client)
            self._script: Any = self._client.register_script(_APPEND)
            self._pid = os.getpid()


def require_bytes(client: Any) -> Any:
    """The same client; raises `LogUnavailable` where it makes text of what it reads."""
    if client.get_encoder().decode_responses:
        raise LogUnavailable(
            "The log's client makes text of bytes: have `client_factory` make one with "
            "decode_responses=False."
        )
    return client


def subscribe(client: Any, channel: str, *, probe: str) -> tuple[Any, Callable[[], None]]:
    """A connection that has just subscribed to a channel, as its socket and what closes it.

    Args:
        client: Is closed with it.
        channel: Nothing was read from it yet.
        probe: A channel that nobody writes to, for finding out whether the user may subscribe.

    Raises:
        MessagesRefused: it may not.
    """
    pubsub = client.pubsub()

    def close() -> None:
        pubsub.close()
        client.close()

    try:
        pubsub.subscribe(probe)
        pubsub.parse_response(block=True)
        pubsub.subscribe(channel)
    except redis.ResponseError as error:
        close()
        raise MessagesRefused(
            f"The log's server refuses subscriptions ({error}): logs are looked at every few "
            "seconds instead. Let its user read the channels of the log's prefix."
        ) from error
    except BaseException:
        close()
        raise

    # redis-py has no public name for it; nothing was read from it since the handshake.
    return pubsub.connection._sock, close  # noqa: SLF001
