"""Redis commands that are sent with every request or report, without the client's overhead.

redis-py takes three times as long over a command as the server and the sockets together: it checks
out a connection, looks whether that is well, and counts. Here a connection is used again as it is.
If it turns out to be broken, the client sends the command, with its retries.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import hiredis
import redis

#: What a pool is asked for a connection with: redis-py 5.2 wants a command's name, and uses it for
#: nothing; later versions warn of one.
_FOR = ("EVALSHA",) if redis.VERSION < (5, 3) else ()


class QuickCommands:
    """Runs commands on a client's connections, one for each thread that asks at the same time.

    Args:
        client: A client of redis-py.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        # A cluster's client has a pool for each node, and knows which node a command goes to. Of a
        # pool with a bound no connection is kept from others.
        pool: Any = getattr(client, "connection_pool", None)
        self._pool = None if isinstance(pool, redis.BlockingConnectionPool) else pool
        self._idle: list[Any] = []

    def conversation(self) -> Conversation:
        """Commands on one connection, of which the next is sent before the reply is read."""
        if self._pool is None:
            return Conversation(self._client, None, self._idle)
        connection = self._idle.pop() if self._idle else self._pool.get_connection(*_FOR)
        return Conversation(self._client, connection, self._idle)

    def execute(self, *command: str | bytes | int) -> Any:
        """The reply to a command that may be sent twice. It raises what the client raises."""
        if self._pool is None:
            return self._client.execute_command(*command)
        connection = self._idle.pop() if self._idle else self._pool.get_connection(*_FOR)
        try:
            connection.send_packed_command([hiredis.pack_command(command)])  # type: ignore[arg-type] # its stub knows one word
            reply = connection.read_response()
        except redis.ResponseError:
            # The whole reply was read: a user that is refused again and again makes no connections.
            self._idle.append(connection)
            raise
        except BaseException as error:
            connection.disconnect()
            self._pool.release(connection)
            if isinstance(error, redis.ConnectionError):
                return self._client.execute_command(*command)
            raise
        self._idle.append(connection)
        return reply


class Conversation:
    """Commands on one connection, sent before the replies to the ones before them are read.

    If the connection breaks, the client sends what has no reply yet, in the same order: the
    commands may be sent twice.
    """

    def __init__(self, client: Any, connection: Any, idle: list[Any]) -> None:
        self._client = client
        self._connection = connection
        self._idle = idle
        self._unanswered: deque[tuple[str | bytes | int, ...]] = deque()

    def send(self, *command: str | bytes | int) -> None:
        """Send a command."""
        self._unanswered.append(command)
        if self._connection is None:
            return
        try:
            self._connection.send_packed_command([hiredis.pack_command(command)])  # type: ignore[arg-type] # its stub knows one word
        except redis.ConnectionError:
            self.leave()

    def reply(self) -> Any:
        """The reply to the oldest command that has none. It raises what the client raises."""
        command = self._unanswered.popleft()
        if self._connection is not None:
            try:
                return self._connection.read_response()
            except redis.ResponseError:
                raise
            except redis.ConnectionError:
                self.leave()
            except BaseException:
                self.leave()
                raise
        return self._client.execute_command(*command)

    def close(self) -> None:
        """Give the connection back, unless a reply is still to come on it."""
        if self._unanswered:
            self.leave()
        if self._connection is not None:
            self._idle.append(self._connection)
            self._connection = None

    def leave(self) -> None:
        """Close the connection: the client sends what has no reply yet, when its reply is due.

        So the order of the commands holds where the server did not do one of them.
        """
        if self._connection is not None:
            self._connection.disconnect()
            self._client.connection_pool.release(self._connection)
            self._connection = None
