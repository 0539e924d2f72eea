"""Ids that lead to jobs, in Redis or Valkey, and the sums of jobs.

An id that is no job's own has a state hash all the same, with a field that says where it leads:
``leads_to`` a job, or ``sum``. Whoever looks for its state finds that in the same round trip. A
sum has a hash of its jobs. A job's state names the keys that are to last as long as it does, and
the append's script renews them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..aliases import Sent, SumRef
from ..log import JobRef, Position
from ..rules.stored import cursor_of, job_snapshot
from ..rules.sums import State, sum_of
from .keys import Keys

#: The fields of an id's state that tell where it leads.
LEADS = (b"leads_to", b"sum")
#: What a job of a sum is: sent, or awaited.
_SENT, _AWAITED = b"sent", b"awaited"
#: The jobs whose states are asked for at a time.
_SLICE = 500


class RedisAliases:
    """The part of the Redis log that knows ids.

    Args:
        client: Makes a client of this process.
        keys: The keys of a log.
        live_seconds: How long what is noted is kept without a sign of its job.
    """

    def __init__(
        self, client: Callable[[], Any], keys: Callable[[JobRef], Keys], *, live_seconds: int
    ) -> None:
        self._client, self._keys, self._live_seconds = client, keys, live_seconds

    def note(self, sent: Sent) -> None:
        """See `SupportsAliases.note_sent`. One round trip."""
        pipeline = self._client().pipeline(transaction=True)

        def keep(key: str, fields: Mapping[str, str | bytes]) -> None:
            pipeline.hset(key, mapping=fields)
            pipeline.expire(key, self._live_seconds)

        job, whole = sent.job, sent.sum
        lasting: dict[str, str] = {}
        if job is not None and sent.aliases:
            keys = [self._keys(JobRef(job.account, name)).state for name in sent.aliases]
            for key in keys:
                keep(key, {"leads_to": job.job_id})
            lasting["aliases"] = "\n".join(keys)
        if whole is not None:
            keys = [self._keys(JobRef(whole.account, name)).state for name in sent.sum_aliases]
            for key in keys:
                keep(key, {"sum": whole.job_id})
            key = self._keys(whole).state
            for name in sent.awaited:
                pipeline.hsetnx(key, name, _AWAITED)
            if job is not None:
                pipeline.hset(key, job.job_id, _SENT)
            pipeline.expire(key, self._live_seconds)
            lasting["sums"] = "\n".join([key, *keys])
        if job is not None and lasting:
            keep(self._keys(job).state, lasting)
        pipeline.execute()

    def leads_to(self, ref: JobRef, fields: tuple[bytes | None, bytes | None]) -> JobRef:
        """Where an id leads, from the fields ``leads_to`` and ``sum`` of its state."""
        job, whole = fields
        if whole is not None:
            return SumRef(ref.account, whole.decode())
        return ref if job is None else JobRef(ref.account, job.decode())

    def jobs(self, ref: SumRef) -> dict[str, bool]:
        """The ids of a sum's jobs, and whether each is still awaited."""
        found: Mapping[bytes, bytes] = self._client().hgetall(self._keys(ref).state)
        return {name.decode(): kind == _AWAITED for name, kind in sorted(found.items())}

    def sum(self, ref: SumRef) -> State | None:
        """A sum's state and position. Two round trips, and one more for each 500 jobs."""
        jobs = self.jobs(ref)
        states: dict[str, State | None] = {}
        names = list(jobs)
        for start in range(0, len(names), _SLICE):
            some = names[start : start + _SLICE]
            pipeline = self._client().pipeline(transaction=False)
            for name in some:
                pipeline.hgetall(self._keys(JobRef(ref.account, name)).state)
            found = zip(some, pipeline.execute(), strict=True)
            states |= {name: state_of(name, fields) for name, fields in found}
        awaited = frozenset(name for name, is_awaited in jobs.items() if is_awaited)
        return sum_of(ref.job_id, states, awaited=awaited)


def state_of(job_id: str, fields: Mapping[bytes, bytes]) -> State | None:
    """A job's state and position, from the fields of its state hash; None without a log."""
    cursor = cursor_of(fields)
    if cursor is None or b"at" not in fields:
        return None
    return job_snapshot(job_id, fields), cursor


def position_of(state: State | None) -> Position | None:
    """The position of a sum."""
    return None if state is None else Position(state[1], state[0].status.is_terminal)
