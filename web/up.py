"""`earmark up`: all of Earmark on one machine, from the first run to the last signal."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tasks.settings import Settings
from web import first_run, valkey
from web.crew import Command, Crew, answers
from web.first_run import SignIn
from web.guard import StopStep
from web.lifeline import Lifeline, LifelineTaken
from web.refusal import Refusal

#: The site listens on 127.0.0.1: `earmark up` is for one machine. A Procfile serves many.
HOST = "127.0.0.1"
_POLL_SECONDS = 0.1


def up(settings: Settings) -> int:
    """Run Earmark until it is stopped, and return the exit code.

    Raises:
        Refusal: it cannot start.
    """
    # A background job of a script is started with SIGINT ignored; from here on it stops `up`.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    first_run.make_data_folder(settings.data_dir)
    lifeline = Lifeline(settings.data_dir / "up.lock")
    _take(lifeline, settings.data_dir)
    server = valkey.find_server()
    check_port(settings.port)
    if settings.music_dir is not None:
        first_run.check_music_folder(settings.music_dir)
    sign_in = first_run.prepare(settings)
    configuration, redis_url = valkey.configure(settings.data_dir / "valkey")
    environment = _environment(settings, redis_url=redis_url)
    crew = Crew(lifeline=lifeline, folder=settings.data_dir, environment=environment)
    for command in _commands(settings, valkey=(str(server), str(configuration))):
        crew.add(command)
    return _run(crew, lifeline, port=settings.port, sign_in=sign_in)


def check_port(port: int) -> None:
    """Look whether this machine's ``port`` is free.

    Raises:
        Refusal: it is not.
    """
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refusal(
                f"Port {port} is taken by another program: choose another one with PORT, "
                f"such as PORT={port % 65535 + 1}."
            ) from error
        raise Refusal(
            f"Port {port} cannot be used ({error.strerror}): choose another one with PORT."
        ) from error


def _take(lifeline: Lifeline, folder: Path) -> None:
    try:
        lifeline.take()
    except LifelineTaken as taken:
        process = f"process {taken.pid}" if taken.pid else "another process"
        raise Refusal(
            f"Earmark runs in {folder} already ({process}): stop it first, "
            "or set EARMARK_DATA to another folder."
        ) from taken


def _environment(settings: Settings, *, redis_url: str) -> dict[str, str]:
    # The server that `up` brings along is on this machine, without TLS.
    left_out = ("EARMARK_PASSWORD", "EARMARK_REDIS_CA")
    inherited = {name: text for name, text in os.environ.items() if name not in left_out}
    if settings.music_dir is not None:
        # The data folder is the working folder of the processes: a relative path would mislead.
        inherited["MUSIC"] = str(settings.music_dir)
    return inherited | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": first_run.secret_key(settings),
        "EARMARK_DATA": str(settings.data_dir),
        "PORT": str(settings.port),
        "EARMARK_LOCAL": "yes",
        "PYTHONUNBUFFERED": "1",
    }


def _commands(settings: Settings, *, valkey: tuple[str, str]) -> Iterator[Command]:
    python = (sys.executable, "-P", "-m")
    celery = (*python, "celery", "--quiet", "-A", "tasks.app")
    yield Command("valkey", valkey, stop_steps=_terminate(10), is_redis=True)
    bind = f"{HOST}:{settings.port}"
    gunicorn = (*python, "gunicorn", "web.wsgi:app", "-c", "python:web.gunicorn", "--bind", bind)
    yield Command("web", gunicorn, stop_steps=_terminate(10))
    # mingle and gossip are talk among workers, of which there is one.
    worker = (*celery, "worker", "-l", "INFO", "--without-mingle", "--without-gossip")
    # SIGQUIT gives tasks which do not end in time back to the queue, for the next start.
    stop_worker = (*_terminate(8), StopStep(signal.SIGQUIT, 5))
    yield Command("worker", worker, stop_steps=stop_worker)
    schedule = str(settings.data_dir / "beat-schedule")
    yield Command(
        "clock", (*celery, "beat", "-l", "INFO", "-s", schedule), stop_steps=_terminate(5)
    )


def _terminate(seconds: float) -> tuple[StopStep]:
    return (StopStep(signal.SIGTERM, seconds),)


def _run(crew: Crew, lifeline: Lifeline, *, port: int, sign_in: SignIn) -> int:
    def announce() -> None:
        while not answers(port):
            time.sleep(_POLL_SECONDS)
        crew.say(
            "", f"Earmark is ready: http://{HOST}:{port}", str(sign_in), "Ctrl-C stops it.", ""
        )

    try:
        crew.run(when_started=announce)
    finally:
        # Before the interpreter's end, which waits for the commands.
        lifeline.release()
    if crew.first_ended is None:
        return 0
    name, code = crew.first_ended
    sentence = f"{name} ended by itself (exit code {code}), so everything was stopped."
    print(f"earmark: {sentence}", file=sys.stderr)  # noqa: T201
    return 1
