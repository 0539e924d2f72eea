"""Leases in Redis or Valkey, timed by the server's clock, so that no worker's clock matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from ..lease import Grant, Lease, Part
from ..log import JobRef
from .connection import Server

# KEYS of every script: 1 part → when its lease runs out, in ms
#                       2 part → process, execution and attempt, with tabs between them
#                       3 part → how often it was begun
_HEAD = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function holder(part)
  local process, execution, attempt = string.match(
    redis.call('HGET', KEYS[2], part) or '', '^([^\\t]*)\\t([^\\t]*)\\t(%d+)$')
  return process, execution, attempt
end
"""
_TAKE = """
local part, process, execution, attempt, ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local until_ms = tonumber(redis.call('ZSCORE', KEYS[1], part) or 0)
local known, known_execution = holder(part)
local mine = known ~= nil and known_execution == execution
if until_ms > now and not mine and known ~= '' then
  return {0, until_ms - now, tonumber(redis.call('HGET', KEYS[3], part) or 1)}
end
redis.call('ZADD', KEYS[1], now + ms, part)
redis.call('HSET', KEYS[2], part, process .. '\\t' .. execution .. '\\t' .. attempt)
return {1, tonumber(ms), redis.call('HINCRBY', KEYS[3], part, mine and 0 or 1)}
"""
_RENEW = """
local unknown = {}
for i = 2, #ARGV, 2 do
  local process = holder(ARGV[i])
  if process == nil then
    unknown[#unknown + 1] = (i - 2) / 2
  elseif process == ARGV[i + 1] then
    redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i])
  end
end
return unknown
"""
_RELEASE = """
local process, execution = holder(ARGV[1])
if process == '' or process == ARGV[2] and (execution == '' or execution == ARGV[3]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
end
"""
_VACATE = """
local process, _, attempt = holder(ARGV[1])
if process == ARGV[2] then
  redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], '\\t\\t' .. attempt)
end
"""
_EXPIRED = """
local parts = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
local found = {}
for _, part in ipairs(parts) do
  redis.call('ZADD', KEYS[1], now + ARGV[1], part)
  found[#found + 1] = part
  found[#found + 1] = redis.call('HGET', KEYS[2], part) or '\\t\\t0'
end
return found
"""


class RedisLeaseBook:
    """The leases of all jobs of a log, on its server. Each method is one round trip."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def take(self, lease: Lease, *, seconds: float) -> Grant:
        """See `LeaseBook.take`."""
        granted, left_ms, tries = self._run(
            _TAKE,
            [_member(lease.part), lease.process, lease.execution, lease.attempt, _ms(seconds)],
        )
        return Grant(granted=bool(granted), left_seconds=left_ms / 1000, tries=tries)

    def renew(self, leases: Iterable[Lease], *, seconds: float) -> Sequence[Lease]:
        """See `LeaseBook.renew`."""
        asked = list(leases)
        if not asked:
            return ()
        pairs = [text for lease in asked for text in (_member(lease.part), lease.process)]
        return [asked[index] for index in self._run(_RENEW, [_ms(seconds), *pairs])]

    def release(self, lease: Lease) -> None:
        """See `LeaseBook.release`."""
        self._run(_RELEASE, [_member(lease.part), lease.process, lease.execution])

    def vacate(self, lease: Lease, *, seconds: float) -> None:
        """See `LeaseBook.vacate`."""
        self._run(_VACATE, [_member(lease.part), lease.process, _ms(seconds)])

    def expired(self, *, claim_seconds: float, limit: int = 100) -> Sequence[Lease]:
        """See `LeaseBook.expired`."""
        found = self._run(_EXPIRED, [_ms(claim_seconds), limit])
        return [_lease(*pair) for pair in zip(found[::2], found[1::2], strict=True)]

    def held(self) -> frozenset[JobRef]:
        """See `LeaseBook.held`."""
        members = self._run("return redis.call('ZRANGE', KEYS[1], 0, -1)", [])
        return frozenset(_part(member).ref for member in members)

    def _run(self, script: str, arguments: list[Any]) -> Any:
        base = f"{self._server.prefix}:{{leases}}"
        keys = [f"{base}:due", f"{base}:holders", f"{base}:tries"]
        return self._server.run_script(_HEAD + script, keys=keys, arguments=arguments)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _member(part: Part) -> bytes:
    return orjson.dumps([part.ref.account, part.ref.job_id, part.task_id])


def _part(member: bytes) -> Part:
    account, job_id, task_id = orjson.loads(member)
    return Part(JobRef(account, job_id), task_id)


def _lease(member: bytes, said: bytes) -> Lease:
    process, execution, attempt = said.decode().split("\t")
    return Lease(_part(member), process, execution, int(attempt))
