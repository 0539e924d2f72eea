"""The log in Redis or Valkey: a stream and hashes of the state, items and run of each job.

No other room imports redis. The state of a job and its events change in one step, by the script of
`progress.rules.script`; what is read is read here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..aliases import Sent, SumRef, SupportsAliases
from ..cursor import Cursor
from ..events import FeedSnapshot, ItemStatus, Snapshot
from ..log import (
    Entry,
    Gap,
    JobRef,
    Log,
    LogRef,
    Position,
    Receipt,
    Retention,
    SupportsCancel,
    SupportsPipelining,
    SupportsRestart,
    SupportsResume,
    SupportsRevocation,
    SupportsRun,
)
from ..reports import Report, id_key, item_key
from ..rules.constants import ITEM_LETTERS
from ..rules.stored import PLACE, cursor_of, feed_snapshot, numbers
from ..rules.stored_run import job_run, texts
from ..run import Run
from .aliases import LEADS, RedisAliases, position_of, state_of
from .books import RedisBooks
from .call import append_call
from .connection import (
    DEFAULT_TIMEOUT_SECONDS,
    ProcessClient,
    require_bytes,
    safe_client,
    subscribe,
    unavailable,
)
from .health import findings
from .keys import Keys
from .messages import RedisMessages
from .pipeline import Call, RedisPipeline
from .replies import STANDING, entries_after, next_id, position_at, receipt
from .restart import Beginning

__all__ = ["RedisLog", "safe_client"]

logger = logging.getLogger(__name__)

_SUCCEEDED = ITEM_LETTERS[ItemStatus.SUCCEEDED].encode()
_KEYED = (b"numbers", b"keyed")


@dataclass
class RedisLog(
    Log,
    SupportsPipelining,
    SupportsRevocation,
    SupportsCancel,
    SupportsResume,
    SupportsRun,
    SupportsAliases,
    SupportsRestart,
    RedisBooks,
):
    """A log in a Redis ≥ 6.2 or Valkey server.

    It holds one connection for each thread that asks at the same time, and one for each `messages`.
    Connections are made anew after a fork, so parent and children may share the log.
    """

    #: Such as ``redis://localhost:6379/0`` or ``unix:///run/valkey.sock``.
    url: str
    prefix: str = "progress"
    retention: Retention = field(default_factory=Retention)
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    #: Microseconds since 1970 for every append; by default the server's own clock.
    clock_us: Callable[[], int] | None = None
    #: Makes a client from nothing, for clusters, sentinels and TLS of one's own.
    client_factory: Callable[[], Any] | None = None

    def __post_init__(self) -> None:
        self._process = ProcessClient(self._make_client)
        self._is_checked = False
        if self.client_factory is None:
            self._make_client().close()  # an option of the URL that there is not is told now

    def append(
        self, ref: JobRef, reports: Sequence[Report], *, attempt: int, seen: Cursor | None = None
    ) -> Receipt:
        """See `Log.append`. One round trip."""
        named, arguments = self._append_call(ref, reports, attempt, seen)
        with unavailable():
            reply = self._process.append(named, arguments)
        return receipt(reply, ref, attempt)

    def pipeline(self, ref: JobRef, *, attempt: int) -> RedisPipeline:
        """See `SupportsPipelining.pipeline`."""
        return RedisPipeline(self._process, self._append_call, ref, attempt=attempt)

    def _append_call(
        self, ref: JobRef, reports: Sequence[Report], attempt: int, seen: Cursor | None
    ) -> Call:
        return append_call(
            ref,
            reports,
            prefix=self.prefix,
            attempt=attempt,
            seen=seen,
            kept=self.retention,
            now_us=self.clock_us() if self.clock_us else 0,
        )

    def snapshot(self, ref: LogRef) -> tuple[Snapshot | FeedSnapshot, Cursor] | None:
        """See `Log.snapshot`. One round trip."""
        with unavailable():
            if isinstance(ref, SumRef):
                return self._aliases.sum(ref)
            fields: Mapping[bytes, bytes] = self.client.hgetall(self._keys(ref).state)
        if isinstance(ref, JobRef):
            return state_of(ref.job_id, fields)
        cursor = cursor_of(fields)
        if cursor is None or b"at" not in fields:
            return None
        return feed_snapshot(fields), cursor

    def position(self, ref: LogRef) -> Position | None:
        """See `Log.position`. One round trip, and for a sum those of `RedisAliases.sum`."""
        if isinstance(ref, SumRef):
            with unavailable():
                return position_of(self._aliases.sum(ref))
        return position_at(ref, self._ask(ref, *STANDING))

    def begin_anew(self, ref: JobRef, run: str, *, takes_over: bool = False) -> bool:
        """See `SupportsRestart.begin_anew`. One round trip."""
        begins = Beginning(run, takes_over, self.retention.live_seconds)
        return begins.tell(self, ref, self._keys(ref))

    def note_sent(self, sent: Sent) -> None:
        """See `SupportsAliases.note_sent`. One round trip."""
        with unavailable():
            self._aliases.note(sent)

    def locate(self, ref: JobRef) -> tuple[JobRef, Position | None]:
        """See `SupportsAliases.locate`. One round trip where the id is the job's own."""
        *place, job, whole = self._ask(ref, *STANDING, *LEADS)
        own = position_at(ref, place)
        # A chord's body has a log of its own, and is one of the chord's jobs.
        target = self._aliases.leads_to(ref, (None if own is not None else job, whole))
        return (ref, own) if target == ref else (target, self.position(target))

    def _ask(self, ref: LogRef, *fields: bytes) -> Sequence[bytes | None]:
        with unavailable():
            found: Sequence[bytes | None] = self._process.commands.execute(
                "HMGET", self._keys(ref).state, *fields
            )
        return found

    def read(self, ref: LogRef, *, after: Cursor, limit: int = 1_000) -> Sequence[Entry] | Gap:
        """See `Log.read`. One round trip."""
        if isinstance(ref, SumRef):
            position = self.position(ref)
            return () if position is not None and position.cursor == after else Gap()
        keys = self._keys(ref)
        # In one transaction: after a trim or a new epoch between them, the two answers would be of
        # two logs.
        with unavailable():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.hmget(keys.state, PLACE)
            pipeline.xrange(keys.log, min=next_id(after), count=limit)
            place, rows = pipeline.execute()
        return entries_after(after, place, rows)

    def has_succeeded(self, ref: JobRef, items: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """See `SupportsResume.has_succeeded`. Two round trips."""
        if not items:
            return ()
        keys, execute = self._keys(ref), self._process.commands.execute
        with unavailable():
            found = dict(zip(_KEYED, execute("HMGET", keys.state, *_KEYED), strict=True))
            is_keyed = "keyed" in numbers(found)
            # A log that an earlier version began names its items by their ids alone.
            names = [item_key(*item) if is_keyed else id_key(item[1]) for item in items]
            found = execute("HMGET", keys.items, *names)
        return [value is not None and value.startswith(_SUCCEEDED) for value in found]

    def run(self, ref: JobRef) -> Run | None:
        """See `SupportsRun.run`. One round trip."""
        with unavailable():
            return job_run(ref.job_id, texts(self.client.hgetall(self._keys(ref).run)))

    def cancel_requested(self, ref: JobRef) -> bool:
        """See `SupportsCancel.cancel_requested`."""
        with unavailable():
            return bool(self.client.hexists(self._keys(ref).state, "cancel"))

    def messages(self) -> RedisMessages:
        """See `Log.messages`. It has a connection of its own; in a cluster, to any of the nodes."""
        revocations = self._revocations
        with unavailable():
            connection, close = subscribe(
                self._make_client(), revocations, probe=f"{self.prefix}:probe"
            )
        self.check_up()
        return RedisMessages(
            connection,
            channel=lambda ref: self._keys(ref).log.encode(),
            revocations=revocations.encode(),
            close=close,
        )

    def revoke(self, account: str) -> None:
        """See `SupportsRevocation.revoke`. Every hub of this server and prefix hears it."""
        with unavailable():
            self.client.publish(self._revocations, account)

    def request_cancel(self, ref: JobRef) -> None:
        """See `SupportsCancel.request_cancel`."""
        found, _ = self.locate(ref)
        with unavailable():
            names = self._aliases.jobs(found) if isinstance(found, SumRef) else [found.job_id]
            pipeline = self.client.pipeline(transaction=True)
            for name in names:
                state = self._keys(JobRef(ref.account, name)).state
                pipeline.hset(state, "cancel", "1")
                pipeline.expire(state, self.retention.live_seconds)
            pipeline.execute()

    def close(self) -> None:
        """Close this process's connections; the next call opens them anew."""
        self._process.close()

    def run_script(self, text: str, *, keys: list[str], arguments: list[Any]) -> Any:
        """The reply of a Lua script, run on this log's server.

        Raises:
            LogUnavailable: the server did not do its part.
        """
        with unavailable():
            return self.client.register_script(text)(keys=keys, args=arguments)

    def check_up(self) -> None:
        """See `progress.redis.connection.Server.check_up`."""
        if self._is_checked:
            return
        with unavailable():
            found = findings(self.client, probe=f"{self.prefix}:probe")
        self._is_checked = True
        for sentence in found:
            logger.warning("%s", sentence, extra={"action": "log_server_wanting"})

    def key(self, ref: LogRef, name: str) -> str:
        """The name of a key that lives beside a log's own, on the same node of a cluster."""
        return f"{self._keys(ref).log}:{name}"

    @property
    def client(self) -> Any:
        """This process's client."""
        return self._process.client

    @property
    def _aliases(self) -> RedisAliases:
        live_seconds = self.retention.live_seconds
        return RedisAliases(lambda: self.client, self._keys, live_seconds=live_seconds)

    @property
    def _revocations(self) -> str:
        return f"{self.prefix}:revoked"

    def _make_client(self) -> Any:
        if self.client_factory is not None:
            return require_bytes(self.client_factory())
        return safe_client(self.url, timeout_seconds=self.timeout_seconds)

    def _keys(self, ref: LogRef) -> Keys:
        return Keys.of(ref, self.prefix)
