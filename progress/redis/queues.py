"""Why jobs wait, in Redis or Valkey.

A job's own part is a field of its state, which lasts as long as its log. What is known of the
queues lies together on one node of a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import orjson

from ..events import WAITING_STATUSES, JobWaiting
from ..log import JobRef
from ..queues import Destination, QueueLook, QueueState, why_waiting
from .connection import Server, unavailable

#: Workers look into queues for this long after somebody has asked why a job waits.
_WANTED_MS = 15_000
#: Within this time one of the workers that take a queue looks into it, and no other.
_LOOK_MS = 3_000
_WAITING = {status.value.encode() for status in WAITING_STATUSES}

_SENT = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'sent', ARGV[1]) end
"""
# KEYS: 1 whether somebody asks; then of each queue its takers, with the time at which each is to be
# forgotten, and whether it is looked into already. ARGV: 1 worker, 2 milliseconds.
_TAKE = f"""
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local wanted, due = redis.call('EXISTS', KEYS[1]), {{}}
for i = 2, #KEYS, 2 do
  redis.call('ZADD', KEYS[i], string.format('%.0f', now + ARGV[2]), ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now))
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
  end
  if wanted == 1 and redis.call('SET', KEYS[i + 1], ARGV[1], 'NX', 'PX', {_LOOK_MS}) then
    due[#due + 1] = i / 2 - 1
  end
end
return due
"""
_LEAVE = """
for i = 1, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
"""
# KEYS: 1 whether somebody asks; then of each queue its takers, and what was seen in it.
_WHY = f"""
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
redis.call('SET', KEYS[1], '', 'PX', {_WANTED_MS})
local found = {{}}
for i = 2, #KEYS, 2 do
  found[#found + 1] = redis.call('ZCOUNT', KEYS[i], '(' .. now, '+inf')
  found[#found + 1] = redis.call('GET', KEYS[i + 1]) or ''
end
return found
"""


class RedisQueueBook:
    """Why the jobs of a log wait, on its server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def sent(self, ref: JobRef, sent: Destination) -> None:
        """See `QueueBook.sent`. One round trip."""
        state, said = self._server.key(ref, "state"), orjson.dumps([sent.queue, sent.due_at])
        self._server.run_script(_SENT, keys=[state], arguments=[said])

    def take(self, worker: str, queues: Sequence[str], *, seconds: float) -> Sequence[str]:
        """See `QueueBook.take`. One round trip."""
        if not queues:
            return ()
        keys = [self._wanted]
        for queue in queues:
            keys += [self._takers(queue), self._key("looking", queue)]
        due = self._server.run_script(_TAKE, keys=keys, arguments=[worker, int(seconds * 1000)])
        return [queues[index] for index in due]

    def leave(self, worker: str, queues: Sequence[str]) -> None:
        """See `QueueBook.leave`. One round trip."""
        if queues:
            self._server.run_script(
                _LEAVE, keys=[self._takers(queue) for queue in queues], arguments=[worker]
            )

    def looked(self, queue: str, look: QueueLook, *, seconds: float) -> None:
        """See `QueueBook.looked`. One round trip."""
        with unavailable():
            self._server.client.set(
                self._seen(queue),
                orjson.dumps([look.messages, look.jobs]),
                px=int(seconds * 1000),
            )

    def why(self, refs: Sequence[JobRef]) -> Sequence[JobWaiting | None]:
        """See `QueueBook.why`. Two round trips."""
        if not refs:
            return ()
        sent = self._sent(refs)
        states = self._states(sorted({each.queue for each in sent if each is not None}))
        now = time.time()
        return [
            None if each is None else why_waiting(ref, each, states[each.queue], now=now)
            for ref, each in zip(refs, sent, strict=True)
        ]

    def _sent(self, refs: Sequence[JobRef]) -> list[Destination | None]:
        with unavailable():
            asked = self._server.client.pipeline(transaction=False)
            for ref in refs:
                asked.hmget(self._server.key(ref, "state"), "status", "sent")
            found = asked.execute()
        return [
            Destination(*orjson.loads(sent)) if status in _WAITING and sent is not None else None
            for status, sent in found
        ]

    def _states(self, queues: Sequence[str]) -> dict[str, QueueState]:
        if not queues:
            return {}
        keys = [self._wanted]
        for queue in queues:
            keys += [self._takers(queue), self._seen(queue)]
        found = self._server.run_script(_WHY, keys=keys, arguments=[])
        return {
            queue: QueueState(found[2 * at], _look(found[2 * at + 1]))
            for at, queue in enumerate(queues)
        }

    @property
    def _wanted(self) -> str:
        return f"{self._server.prefix}:{{queues}}:wanted"

    def _takers(self, queue: str) -> str:
        return self._key("takers", queue)

    def _seen(self, queue: str) -> str:
        return self._key("seen", queue)

    def _key(self, name: str, queue: str) -> str:
        return f"{self._server.prefix}:{{queues}}:{name}:{quote(queue, safe='')}"


def _look(said: Any) -> QueueLook | None:
    if not said:
        return None
    messages, jobs = orjson.loads(said)
    return QueueLook(messages, None if jobs is None else tuple(jobs))
