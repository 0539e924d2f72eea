"""The open parts of jobs in Redis or Valkey: for each job a set, and how its attempt stands."""

from __future__ import annotations

from typing import Any, Protocol

import orjson

from ..events import JobStatus
from ..lifecycle import Settlement
from ..log import JobRef, LogRef
from ..parts import Standing

# KEYS of all: 1 the open parts   2 attempt, and the outcome of the first that did not succeed
# ARGV of all: 1 attempt   2 task id   3 seconds to live   4 of the end: outcome
_HEAD = """
local attempt, known = tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[2], 'attempt') or 0)
local function keep()
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
"""
_OPEN = """
if attempt <= known then return end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 'attempt', attempt)
redis.call('SADD', KEYS[1], ARGV[2])
keep()
"""
_ANNOUNCE = """
if attempt ~= known then return end
redis.call('SADD', KEYS[1], ARGV[2])
keep()
"""
_END = """
if known == 0 then return {attempt, -1, ARGV[4], 0} end
if attempt > 0 and attempt < known then return {known, redis.call('SCARD', KEYS[1]), '', 1} end
redis.call('SREM', KEYS[1], ARGV[2])
if ARGV[4] ~= '' then redis.call('HSETNX', KEYS[2], 'outcome', ARGV[4]) end
local outcome = redis.call('HGET', KEYS[2], 'outcome') or ''
local open = redis.call('SCARD', KEYS[1])
if open == 0 then redis.call('DEL', KEYS[2]) else keep() end
return {known, open, outcome, 0}
"""


class Server(Protocol):
    """What this needs of the log's server."""

    def run_script(self, text: str, *, keys: list[str], arguments: list[Any]) -> Any:
        """Run a Lua script; raises `LogUnavailable`."""
        ...

    def key(self, ref: LogRef, name: str) -> str:
        """The name of a key beside a log's own."""
        ...


class RedisPartBook:
    """The open parts of a log's jobs, beside it on its server. One round trip for each step."""

    def __init__(self, server: Server, *, live_seconds: int) -> None:
        self._server = server
        self._live_seconds = live_seconds

    def open(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.open`."""
        self._run(_OPEN, ref, [attempt, task_id, self._live_seconds])

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.announce`."""
        self._run(_ANNOUNCE, ref, [attempt, task_id, self._live_seconds])

    def end(
        self, ref: JobRef, task_id: str, *, attempt: int, outcome: Settlement | None = None
    ) -> Standing:
        """See `PartBook.end`."""
        said = b"" if outcome is None else _encode(outcome)
        known, open_, first, stale = self._run(
            _END, ref, [attempt, task_id, self._live_seconds, said]
        )
        return Standing(known, None if open_ < 0 else open_, _decode(first), bool(stale))

    def _run(self, script: str, ref: JobRef, arguments: list[Any]) -> Any:
        keys = [self._server.key(ref, "open"), self._server.key(ref, "parts")]
        return self._server.run_script(_HEAD + script, keys=keys, arguments=arguments)


def _encode(outcome: Settlement) -> bytes:
    return orjson.dumps([outcome.status, outcome.message, outcome.code])


def _decode(text: bytes) -> Settlement | None:
    if not text:
        return None
    status, message, code = orjson.loads(text)
    return Settlement(JobStatus(status), message, code)
