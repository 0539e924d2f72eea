"""Redis commands that are sent with every request or report, without the client's overhead.

redis-py takes three times as long over a command as the server and the sockets together: it checks
out a connection, looks whether that is well, and counts. Here a connection is used again as it is.
If it turns out to be broken, the client sends the command, with its retries.
"""

from __future__ import annotations

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
