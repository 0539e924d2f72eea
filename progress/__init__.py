"""Live progress for Celery and Flask: a replayable log of what every job does.

What an application writes comes from here: ``from progress import JobTask, RedisLog, install``.

===================  ===============================================================================
`RedisLog`           where the events of all jobs are kept
`install`            gives a Celery application live progress
`JobTask`            the base class of its tasks; ``self.job`` is the `JobReporter` of the task
`JobFailure`         raised by a task that fails in its own words
`JobRef` `FeedRef`   name the log of one job, and the feed of one account
`create_blueprint`   the Flask blueprint that streams them
`StreamLimits`       how long streams live, and how many there may be
`StreamMiddleware`   lets plain streams in before Flask
`Supervisor`         keeps a machine's process for streams running, beside gunicorn
`StreamerSettings`   what that process needs to know
`StreamerClient`     a web process's way to it
===================  ===============================================================================

The rest is for authors of a log, a store or a server of their own:

- at the top, the vocabulary and the protocols: `events`, `reports`, `log`, `cursor`, `errors`,
  `lease`, `parts`, `aliases`, `queues`, `run` (how a job went), `history` (pages of events),
  `lifecycle` (the job store), `failures` (the provider of failed items), `fit`, `limits`,
  `metrics`, `sse`, `schema`, `wire` (what documents are made of), `forks`;
- one framework each: `celery` and `flask`;
- the rooms, seldom needed by an application: `rules` (the fold and its twin in the server),
  `memory` and `redis` (the two logs), `reporting` (in a task's process), `recovery` (beside the
  tasks), `hub` (follows logs once and writes to many), `wsgi` and `streamer` (how a stream leaves a
  web server);
- `testing`: the suite that every log has to pass, doubles, and short ways to write and read.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .celery import JobTask, install
    from .errors import JobFailure
    from .flask import create_blueprint
    from .limits import StreamLimits
    from .log import FeedRef, JobRef
    from .redis import RedisLog
    from .streamer import StreamerClient, StreamerSettings, Supervisor
    from .wsgi import StreamMiddleware

#: The module of each name. It is imported when the name is first used: a worker needs no Flask, a
#: site that only streams needs no Celery.
_ROOMS = {
    "FeedRef": "log",
    "JobFailure": "errors",
    "JobRef": "log",
    "JobTask": "celery",
    "RedisLog": "redis",
    "StreamLimits": "limits",
    "StreamMiddleware": "wsgi",
    "StreamerClient": "streamer",
    "StreamerSettings": "streamer",
    "Supervisor": "streamer",
    "create_blueprint": "flask",
    "install": "celery",
}

__all__ = [
    "FeedRef",
    "JobFailure",
    "JobRef",
    "JobTask",
    "RedisLog",
    "StreamLimits",
    "StreamMiddleware",
    "StreamerClient",
    "StreamerSettings",
    "Supervisor",
    "create_blueprint",
    "install",
]


def __getattr__(name: str) -> Any:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{room}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
