"""Telling from a worker's main process which queues it takes, and what waits in them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery

from ..errors import LogUnavailable
from ..queues import QueueBook
from . import queues

logger = logging.getLogger(__name__)

#: A worker that does not say so for this many times the usual is believed to take nothing.
_MISSED = 2.5
#: A broker that does not answer for this long is asked another time.
_BROKER_SECONDS = 2.0


class Taker:
    """A thread that says which queues a worker takes, again and again.

    It has a thread of its own, since a broker that does not answer must not keep the heartbeat from
    renewing leases. A fork need not wait for it: the locks that it may hold are of its own
    connection, and the log's client is made anew in a child.

    Args:
        worker: The worker's name.
        taken: The queues that the worker takes jobs from, at the moment.
        seconds: How often it says so.
    """

    def __init__(
        self,
        app: Celery,
        book: QueueBook,
        worker: str,
        taken: Callable[[], Sequence[str]],
        *,
        seconds: float,
    ) -> None:
        self._app, self._book, self._worker, self._taken = app, book, worker, taken
        self._seconds = seconds
        self._said: Sequence[str] = ()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress-queues", daemon=True)

    def start(self) -> None:
        """Start the thread. The first time it says so at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and say that the worker takes nothing any more."""
        self._stopped.set()
        self._thread.join(timeout=_BROKER_SECONDS)
        try:
            self._book.leave(self._worker, self._said)
        except LogUnavailable:
            logger.info("That a worker ends cannot be told.", extra={"action": "leave_failed"})

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.step()
            self._stopped.wait(self._seconds)

    def step(self) -> None:
        """Say which queues are taken, and look where somebody asks. Never raises."""
        try:
            self._say()
        except LogUnavailable as error:
            logger.info("%s", error, extra={"action": "taking_not_told"})
        except Exception:
            logger.exception(
                "Which queues are taken could not be told.", extra={"action": "taking_not_told"}
            )

    def _say(self) -> None:
        taken, before = self._taken(), self._said
        self._said = taken
        self._book.leave(self._worker, [name for name in before if name not in taken])
        believed = _MISSED * self._seconds
        for name in self._book.take(self._worker, taken, seconds=believed):
            self._look_into(name, believed)

    def _look_into(self, queue: str, seconds: float) -> None:
        try:
            with broker(self._app) as connection:
                seen = queues.look(connection.channel(), queue)
        except Exception as error:  # the transport lets errors of many kinds through
            extra = {"action": "queue_not_seen"}
            logger.info("Queue %s cannot be looked into: %s", queue, error, extra=extra)
        else:
            self._book.looked(queue, seen, seconds=seconds)


def broker(app: Celery) -> Any:
    """A connection to the broker that is given up where that does not answer. Made when used."""
    connection = app.connection_for_read(connect_timeout=_BROKER_SECONDS)
    names = {"amqp": ("read_timeout", "write_timeout"), "redis": ("socket_timeout",)}
    for name in names.get(connection.transport.driver_type, ()):
        connection.transport_options[name] = _BROKER_SECONDS
    return connection


def taken_by(consumer: Any) -> Sequence[str]:
    """The queues that a worker takes messages from; none while it has no broker, or is to end."""
    tasks = consumer.task_consumer
    if tasks is None:
        return ()
    return [queue.name for queue in list(tasks.queues) if tasks.consuming_from(queue)]
