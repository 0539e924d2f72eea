"""Leases in Redis or Valkey.

The score of a part is its counter of renewals. Whenever a lease changes it is given one that no
lease had before, and it is compared for being the same, never with a clock. It is made of the
server's time only for workers of an earlier version, for which it is the time at which the lease
runs out: they and these may run side by side while a site is deployed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from ..lease import Grant, HeldLease, Lease, Part
from ..log import JobRef
from .connection import Server

#: For how long a worker of an earlier version believes a lease that was renewed here.
_BELIEVED_MS = 60_000

# KEYS of every script: 1 part → its counter of renewals
#                       2 part → process, execution and attempt, with tabs between them
#                       3 part → how often it was begun; no part → the last counter given
_HEAD = (
    f"""
local call = redis.call
local t = call('TIME')
local believed = t[1] * 1000 + math.floor(t[2] / 1000) + {_BELIEVED_MS}
"""
    """
local function holder(part)
  local process, execution, attempt = string.match(
    call('HGET', KEYS[2], part) or '', '^([^\t]*)\t([^\t]*)\t(%d+)$')
  return process, execution, attempt
end
local function renewals(part) return tonumber(call('ZSCORE', KEYS[1], part) or 0) end
local function raise(part)
  local last = tonumber(call('HGET', KEYS[3], '') or 0)
  local count = string.format('%.0f', math.max(believed, last + 1))
  call('HSET', KEYS[3], '', count)
  call('ZADD', KEYS[1], count, part)
end
local function held(part)
  return string.format('%.0f', renewals(part)), call('HGET', KEYS[2], part) or '\t\t0'
end
"""
)
_TAKE = """
local part, process, execution, attempt = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local known, known_execution = holder(part)
local mine = known ~= nil and known_execution == execution
local is_free = known == nil or known == '' or renewals(part) == tonumber(ARGV[5])
if is_free or mine then
  raise(part)
  call('HSET', KEYS[2], part, process .. '\t' .. execution .. '\t' .. attempt)
  return {1, call('HINCRBY', KEYS[3], part, mine and 0 or 1), held(part)}
end
return {0, tonumber(call('HGET', KEYS[3], part) or 1), held(part)}
"""
_RENEW = """
local unknown = {}
for i = 1, #ARGV, 2 do
  local process = holder(ARGV[i])
  if process == nil then
    unknown[#unknown + 1] = (i - 1) / 2
  elseif process == ARGV[i + 1] then
    raise(ARGV[i])
  end
end
return unknown
"""
_RELEASE = """
local process, execution = holder(ARGV[1])
if process == '' or process == ARGV[2] and (execution == '' or execution == ARGV[3]) then
  call('ZREM', KEYS[1], ARGV[1])
  call('HDEL', KEYS[2], ARGV[1])
  call('HDEL', KEYS[3], ARGV[1])
end
"""
_VACATE = """
local process, _, attempt = holder(ARGV[1])
if process == ARGV[2] then
  raise(ARGV[1])
  call('HSET', KEYS[2], ARGV[1], '\t\t' .. attempt)
end
"""
_LOOK = """
local found = {}
for _, part in ipairs(call('ZRANGE', KEYS[1], 0, -1)) do
  found[#found + 1] = part
  found[#found + 1], found[#found + 2] = held(part)
end
return found
"""
_CLAIM = """
local count = renewals(ARGV[1])
if count == 0 or count ~= tonumber(ARGV[2]) then return 0 end
raise(ARGV[1])
return 1
"""


class RedisLeaseBook:
    """The leases of all jobs of a log, on its server. Each method is one round trip."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def take(self, lease: Lease, *, instead_of: HeldLease | None = None) -> Grant:
        """See `LeaseBook.take`."""
        part, seen = _member(lease.part), "" if instead_of is None else instead_of.renewals
        granted, tries, *held = self._run(
            _TAKE, [part, lease.process, lease.execution, lease.attempt, seen]
        )
        return Grant(granted=bool(granted), held=_held(part, *held), tries=tries)

    def renew(self, leases: Iterable[Lease]) -> Sequence[Lease]:
        """See `LeaseBook.renew`."""
        asked = list(leases)
        if not asked:
            return ()
        pairs = [text for lease in asked for text in (_member(lease.part), lease.process)]
        return [asked[index] for index in self._run(_RENEW, pairs)]

    def release(self, lease: Lease) -> None:
        """See `LeaseBook.release`."""
        self._run(_RELEASE, [_member(lease.part), lease.process, lease.execution])

    def vacate(self, lease: Lease) -> None:
        """See `LeaseBook.vacate`."""
        self._run(_VACATE, [_member(lease.part), lease.process])

    def look(self) -> Sequence[HeldLease]:
        """See `LeaseBook.look`."""
        # A worker's main process or the clock's looks: each writes one line, children none.
        self._server.check_up()
        found = self._run(_LOOK, [])
        return [_held(*found[at : at + 3]) for at in range(0, len(found), 3)]

    def claim(self, held: HeldLease) -> bool:
        """See `LeaseBook.claim`."""
        return bool(self._run(_CLAIM, [_member(held.lease.part), held.renewals]))

    def _run(self, script: str, arguments: list[Any]) -> Any:
        base = f"{self._server.prefix}:{{leases}}"
        keys = [f"{base}:due", f"{base}:holders", f"{base}:tries"]
        return self._server.run_script(_HEAD + script, keys=keys, arguments=arguments)


def _member(part: Part) -> bytes:
    return orjson.dumps([part.ref.account, part.ref.job_id, part.task_id])


def _part(member: bytes) -> Part:
    account, job_id, task_id = orjson.loads(member)
    return Part(JobRef(account, job_id), task_id)


def _held(member: bytes, renewals: bytes, said: bytes) -> HeldLease:
    process, execution, attempt = said.decode().split("\t")
    return HeldLease(Lease(_part(member), process, execution, int(attempt)), int(renewals))
