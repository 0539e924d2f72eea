"""The open parts of jobs in Redis or Valkey: for each job a set, and a hash beside it."""

from __future__ import annotations

from typing import Any

import orjson

from ..events import JobStatus
from ..lifecycle import Settlement
from ..log import JobRef
from ..parts import Next, Standing, Window, halts, member_of, number_of
from .connection import Server

# KEYS of all: 1 the open parts   2 how the attempt stands
# ARGV of all: 1 attempt   2 seconds to live   3 and more: see each
#
# Fields of 2: attempt   open (how many there are)   outcome (of the first that did not succeed)
#   of a window: recipe  size  parts  closing (due, opened or sent)  halted
#   lane:<number % size> (the newest number that was sent of those which follow one another)
_HEAD = """
local call = redis.call
local set, hash = KEYS[1], KEYS[2]
local attempt, known = tonumber(ARGV[1]), tonumber(call('HGET', hash, 'attempt') or 0)
-- An attempt that an older version began has no number of open parts. Its set alone says it.
local is_counted = call('HEXISTS', hash, 'open') == 1
local function keep()
  call('EXPIRE', set, ARGV[2])
  call('EXPIRE', hash, ARGV[2])
end
local function open(member)
  if call('SADD', set, member) == 1 and is_counted then call('HINCRBY', hash, 'open', 1) end
end
local function shut(member)
  if call('SREM', set, member) == 1 and is_counted then call('HINCRBY', hash, 'open', -1) end
end
-- How many parts are open; -1 where the set holds fewer than were opened. Set and number change
-- in one step, so they differ only if the server evicted the set: an empty one then says nothing.
local function count_open()
  local there = call('SCARD', set)
  if is_counted and there ~= tonumber(call('HGET', hash, 'open')) then return -1 end
  return there
end
local function raise_lane(number)
  local lane = 'lane:' .. number % tonumber(call('HGET', hash, 'size'))
  local sent = math.max(number, tonumber(call('HGET', hash, lane) or -1))
  call('HSET', hash, lane, sent)
  return sent
end
"""
# 3 member
_OPEN = """
if attempt <= known then return end
call('DEL', set, hash)
call('HSET', hash, 'attempt', attempt, 'open', 1)
call('SADD', set, ARGV[3])
keep()
"""
# 3 member
_ANNOUNCE = """
if attempt ~= known then return end
open(ARGV[3])
keep()
"""
# 3 parts   4 size   5 recipe   6 closing: due, or nothing
_FAN_OUT = """
if attempt ~= known then return -1 end
local told = call('HMGET', hash, 'parts', 'size', 'recipe')
if told[1] then
  return (told[1] == ARGV[3] and told[2] == ARGV[4] and told[3] == ARGV[5]) and 1 or 0
end
call('HSET', hash, 'parts', ARGV[3], 'size', ARGV[4], 'recipe', ARGV[5], 'closing', ARGV[6])
for number = 0, math.min(tonumber(ARGV[3]), tonumber(ARGV[4])) - 1 do
  open('#' .. number)
  raise_lane(number)
end
keep()
return 1
"""
# 3 number, or nothing for the closing part
_SENT = """
if attempt ~= known or call('HEXISTS', hash, 'size') == 0 then return end
if ARGV[3] == '' then call('HSET', hash, 'closing', 'sent') else raise_lane(tonumber(ARGV[3])) end
"""
# 3 member   4 outcome   5 whether nothing more is to be sent   6 number, or nothing
_END = """
if known == 0 then return {attempt, -1, ARGV[4], 0, '', ''} end
if attempt > 0 and attempt < known then return {known, call('SCARD', set), '', 1, '', ''} end
shut(ARGV[3])
if ARGV[4] ~= '' then call('HSETNX', hash, 'outcome', ARGV[4]) end
if ARGV[5] == '1' then call('HSET', hash, 'halted', 1) end
local found = call('HMGET', hash, 'outcome', 'halted', 'parts', 'size', 'closing', 'recipe')
local outcome, halted, closing = found[1] or '', found[2], found[5]
local number, following = tonumber(ARGV[6]), ''
if number and found[3] then
  local after = number + tonumber(found[4])
  if raise_lane(number) < after and after < tonumber(found[3]) and not halted then
    open('#' .. after)
    following = after
  end
end
local left = count_open()
if left == 0 and closing == 'due' and outcome == '' and not halted then
  closing = 'opened'
  call('HSET', hash, 'closing', closing)
  open('#last')
  left = 1
end
if following == '' and closing == 'opened' and ARGV[3] ~= '#last' then following = 'last' end
if left == 0 then call('DEL', hash) else keep() end
return {known, left, outcome, 0, following, following ~= '' and found[6] or ''}
"""
# 3 member
_IS_OPEN = """
if attempt ~= known then return -1 end
if call('SISMEMBER', set, ARGV[3]) == 1 then return 1 end
return count_open() < 0 and -1 or 0
"""


class RedisPartBook:
    """The open parts of a log's jobs, on its server. Each method is one round trip."""

    def __init__(self, server: Server, *, live_seconds: int) -> None:
        self._server = server
        self._live_seconds = live_seconds

    def open(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.open`."""
        self._run(_OPEN, ref, attempt, member_of(ref, task_id))

    def announce(self, ref: JobRef, task_id: str, *, attempt: int) -> None:
        """See `PartBook.announce`."""
        self._run(_ANNOUNCE, ref, attempt, member_of(ref, task_id))

    def fan_out(self, ref: JobRef, window: Window, *, attempt: int) -> bool | None:
        """See `PartBook.fan_out`."""
        closing = "due" if window.closes else ""
        arguments = (window.parts, window.size, window.recipe, closing)
        return _yes_or_no(self._run(_FAN_OUT, ref, attempt, *arguments))

    def sent(self, ref: JobRef, number: int | None, *, attempt: int) -> None:
        """See `PartBook.sent`."""
        self._run(_SENT, ref, attempt, "" if number is None else number)

    def end(
        self, ref: JobRef, task_id: str, *, attempt: int, outcome: Settlement | None = None
    ) -> Standing:
        """See `PartBook.end`."""
        member = member_of(ref, task_id)
        number = number_of(member)
        known, open_, first, stale, following, recipe = self._run(
            _END,
            ref,
            attempt,
            member,
            b"" if outcome is None else _encode(outcome),
            int(halts(outcome)),
            "" if number is None else number,
        )
        return Standing(
            known,
            None if open_ < 0 else open_,
            _decode(first),
            bool(stale),
            _next(following, recipe),
        )

    def is_open(self, ref: JobRef, task_id: str, *, attempt: int) -> bool | None:
        """See `PartBook.is_open`."""
        return _yes_or_no(self._run(_IS_OPEN, ref, attempt, member_of(ref, task_id)))

    def _run(self, script: str, ref: JobRef, attempt: int, *arguments: Any) -> Any:
        keys = [self._server.key(ref, "open"), self._server.key(ref, "parts")]
        said = [attempt, self._live_seconds, *arguments]
        return self._server.run_script(_HEAD + script, keys=keys, arguments=said)


def _yes_or_no(answer: int) -> bool | None:
    return None if answer < 0 else bool(answer)


def _next(following: int | bytes, recipe: bytes) -> Next | None:
    if following == b"":
        return None
    return Next(None if following == b"last" else int(following), recipe)


def _encode(outcome: Settlement) -> bytes:
    return orjson.dumps([outcome.status, outcome.message, outcome.code])


def _decode(text: bytes) -> Settlement | None:
    if not text:
        return None
    status, message, code = orjson.loads(text)
    return Settlement(JobStatus(status), message, code)
