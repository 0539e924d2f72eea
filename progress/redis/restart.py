"""A new run of a job under an id that has a log already, in Redis or Valkey."""

from __future__ import annotations

from dataclasses import dataclass

from ..events import TERMINAL_STATUSES
from ..log import MAX_PAST_RUNS, JobRef
from .connection import Server
from .keys import Keys

# KEYS  1 state   2 log   3 items   4 how it went   5 and 6 open parts
# ARGV  1 run   2 whether the run takes over   3 seconds to live   4 how many past runs are known
# Fields of the state: mark (of the newest run), marks (of those before it, each after a space),
# past_epoch (the last epoch of a run before it, whose writers are refused)
_BEGIN = """
local call, state, run = redis.call, KEYS[1], ARGV[1]
local found = call('HMGET', state, 'mark', 'marks', 'status', 'numbers', 'epoch')
local known, past = found[1], found[2] or ''
if known == run then return 1 end
if string.find(past .. ' ', ' ' .. run .. ' ', 1, true) then return 0 end
local has_ended = TERMINAL[found[3] or '']
if not has_ended and known and ARGV[2] == '0' then return 1 end
if known then
  past = ' ' .. known .. past
  local _, count = string.gsub(past, ' ', '')
  if count > tonumber(ARGV[4]) then past = string.match(past, '^(.*) ') end
end
if has_ended then
  local epoch = found[4] and struct.unpack('>d', found[4]) or tonumber(found[5]) or 0
  call('DEL', unpack(KEYS))
  call('HSET', state, 'past_epoch', string.format('%.0f', epoch))
end
call('HSET', state, 'mark', run, 'marks', past)
call('EXPIRE', state, ARGV[3])
return 1
"""
_TERMINAL = ", ".join(f"['{status}'] = true" for status in sorted(TERMINAL_STATUSES))
_SCRIPT = f"local TERMINAL = {{{_TERMINAL}}}\n{_BEGIN}"


@dataclass(frozen=True, slots=True)
class Beginning:
    """A run that is sent, or that begins."""

    run: str
    takes_over: bool
    live_seconds: int

    def tell(self, server: Server, ref: JobRef, keys: Keys) -> bool:
        """See `SupportsRestart.begin_anew`. One round trip."""
        parts = [server.key(ref, name) for name in ("open", "parts")]
        arguments = [self.run, int(self.takes_over), self.live_seconds, MAX_PAST_RUNS]
        named = [keys.state, keys.log, keys.items, keys.run, *parts]
        return bool(server.run_script(_SCRIPT, keys=named, arguments=arguments))
