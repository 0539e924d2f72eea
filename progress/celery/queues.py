"""An application's queues: where a task is sent, what waits in them, and of which jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any

from celery import Celery

from ..queues import Destination, QueueLook
from ..recovery.reaper import Waiting
from .place import Place

#: Messages that are read at a time, and in all. A job may wait behind these: it is not sent again.
_SLICE, _MOST = 500, 20_000
#: A longer queue is counted and not read, where somebody asks how much is before a job.
_MOST_LOOKED_AT = 200


def waiting(app: Celery) -> Waiting:
    """Whether messages wait in an application's queues; where Redis has them, of which jobs."""
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        if not _is_of_redis(channel):
            return Waiting(any(_count(connection, name) for name in app.amqp.queues))
        keys = [key for name in app.amqp.queues for key in _keys(channel, name)]
        if sum(channel.client.llen(key) for key in keys) > _MOST:
            return Waiting(any=True)
        return _read(channel.client, keys)


def _is_of_redis(channel: Any) -> bool:
    # Its class is not imported: kombu's module needs packages that who has RabbitMQ may not have.
    return getattr(channel.connection, "driver_type", None) == "redis"


def look(channel: Any, queue: str) -> QueueLook:
    """What waits in a queue, over a channel of the broker's. It raises what the client raises."""
    if not _is_of_redis(channel):
        return QueueLook(int(channel.queue_declare(queue=queue, passive=True).message_count))
    keys = _keys(channel, queue)
    messages = sum(channel.client.llen(key) for key in keys)
    if messages > _MOST_LOOKED_AT:
        return QueueLook(messages)
    # A list's newest message is its first.
    found = chain.from_iterable(reversed(list(_places(channel.client, key))) for key in keys)
    return QueueLook(messages, tuple(dict.fromkeys(place.ref.job_id for place in found)))


def destination(app: Celery, headers: Mapping[str, Any], said: Mapping[str, Any]) -> Destination:
    """Where a task is sent, from what Celery says before it publishes the message."""
    eta = headers.get("eta")
    due_at = None if not eta else datetime.fromisoformat(str(eta)).timestamp()
    return Destination(_queue_name(app, said), due_at)


def _queue_name(app: Celery, said: Mapping[str, Any]) -> str:
    declared = said.get("declare") or ()
    if declared:
        return str(declared[0].name)
    exchange, key = said.get("exchange"), said.get("routing_key")
    name = getattr(exchange, "name", exchange) or ""
    for queue in app.amqp.queues.values():
        if (queue.exchange.name or "") == name and queue.routing_key == key:
            return str(queue.name)
    # The exchange without a name takes a queue's own name for the key.
    return str(key or app.conf.task_default_queue)


def _keys(channel: Any, queue: str) -> list[str]:
    """The lists in Redis that make up a queue, the most urgent first."""
    # There is no public word for it.
    keys = [channel._q_for_pri(queue, priority) for priority in channel.priority_steps]  # noqa: SLF001
    return [f"{channel.global_keyprefix}{key}" for key in keys]


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
