"""Looking into an application's queues: which tasks wait there, and of which jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from celery import Celery
from kombu.transport.redis import Channel as RedisChannel

from ..recovery.reaper import Waiting
from .place import Place

#: Messages that are read at a time, and in all. A job may wait behind these: it is not sent again.
_SLICE, _MOST = 500, 20_000


def waiting(app: Celery) -> Waiting:
    """Whether messages wait in an application's queues; where Redis has them, of which jobs."""
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        if not isinstance(channel, RedisChannel):
            return Waiting(any(_count(connection, name) for name in app.amqp.queues))
        keys = [
            # There is no public word for it.
            channel._q_for_pri(name, priority)  # type: ignore[no-untyped-call] # noqa: SLF001
            for name in app.amqp.queues
            for priority in channel.priority_steps
        ]
        keys = [f"{channel.global_keyprefix}{key}" for key in keys]
        if sum(channel.client.llen(key) for key in keys) > _MOST:
            return Waiting(any=True)
        return _read(channel.client, keys)


def _count(connection: Any, queue: str) -> int:
    try:
        declared = connection.default_channel.queue_declare(queue=queue, passive=True)
    except connection.channel_errors:
        return 0  # a queue without messages may not exist
    return int(declared.message_count)


def _read(client: Any, keys: list[str]) -> Waiting:
    places = [place for key in keys for place in _places(client, key)]
    return Waiting(
        bool(places),
        frozenset(place.task_id for place in places),
        frozenset(place.ref.job_id for place in places),
    )


def _places(client: Any, key: str) -> Iterator[Place]:
    # From the newest to the one that is taken next: what comes meanwhile moves the rest on, so
    # that a message may be read twice and none is missed.
    for start in range(0, _MOST, _SLICE):
        found = client.lrange(key, start, start + _SLICE - 1)
        for text in found:
            with suppress(ValueError, KeyError, TypeError):  # another program's message
                yield Place.of_message(json.loads(text)["headers"])
        if len(found) < _SLICE:
            return
