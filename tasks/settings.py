"""Settings: what the environment says about this installation, read once and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from library.database import normal_url
from library.music_roots import MusicRoots
from library.retention import JobRetention

from .redis_url import RedisUrlError, read_redis_url

T = TypeVar("T")
LogFormat = Literal["text", "json"]
SignUp = Literal["closed", "invite", "open"]

DEFAULT_PORT = 5000
DEFAULT_WEB_PROCESSES = 2
DEFAULT_KEEP_GONE_DAYS = 90
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})
_HIGHEST_PORT = 65535
_MOST_PROXIES = 10
_MOST_WEB_PROCESSES = 1_000
_MOST_DAYS, _MOST_JOBS = 36_500, 1_000_000
_LARGEST_WINDOW = 10_000
_DATABASE_SCHEMES = ("postgres://", "postgresql://", "postgresql+psycopg://", "sqlite://")


class SettingsError(ValueError):
    """Environment variables hold values that cannot be used: a sentence for each, in ``args``."""

    def __str__(self) -> str:
        """The sentences, a line for each."""
        return "\n".join(map(str, self.args))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings, checked. `from_environ` makes them of the environment.

    A field that may hold a secret is left out of ``repr``, so that a logged object shows none.
    """

    #: The folder for everything Earmark writes, absolute (``EARMARK_DATA``, default ``.earmark``).
    data_dir: Path
    #: SQLAlchemy URL (``DATABASE_URL``, default ``<data_dir>/earmark.db`` with SQLite).
    database_url: str = field(repr=False)
    #: Redis URL of broker, results and logs, as redis-py takes it (``REDIS_URL`` and
    #: ``EARMARK_REDIS_CA``).
    redis_url: str = field(default=DEFAULT_REDIS_URL, repr=False)
    #: The key that signs sessions (``SECRET_KEY``). None where no pages are served.
    secret_key: str | None = field(default=None, repr=False)
    #: The folder of music to sort, absolute (``MUSIC``). None: the demo library.
    music_dir: Path | None = None
    #: The folders that accounts may choose theirs from, absolute (``EARMARK_MUSIC_ROOTS``).
    music_roots: tuple[Path, ...] = ()
    #: Who may make an account on the site (``EARMARK_SIGN_UP``): nobody (``closed``), people with
    #: a link from the owner (``invite``), anybody (``open``).
    sign_up: SignUp = "closed"
    #: Whether `earmark up` runs this process, for this machine alone. `earmark up` says so itself
    #: by ``EARMARK_LOCAL``.
    is_local: bool = False
    #: The TCP port the site listens on (``PORT``).
    port: int = DEFAULT_PORT
    #: The first account's e-mail address (``EARMARK_EMAIL``).
    email: str | None = None
    #: The first account's password (``EARMARK_PASSWORD``).
    password: str | None = field(default=None, repr=False)
    #: True where the site is reached over HTTPS only (``EARMARK_SECURE_COOKIES``).
    secure_cookies: bool = False
    #: How many proxies in front of the site are believed (``EARMARK_TRUSTED_PROXIES``).
    trusted_proxies: int = 0
    #: The Unix socket of the machine's streamer (``EARMARK_STREAMER``). None: streams stay with
    #: the web process that began them.
    streamer: str | None = None
    #: Where the streamer answers Prometheus (``EARMARK_METRICS_PORT``). None: nowhere.
    metrics_port: int | None = None

    #: How long songs and playlists that are gone are kept (``EARMARK_KEEP_GONE_DAYS``).
    keep_gone_days: int = DEFAULT_KEEP_GONE_DAYS
    #: How many processes gunicorn has (``WEB_CONCURRENCY``, which hosts set too).
    web_processes: int = 2
    #: Which jobs that are over are kept (``EARMARK_KEEP_JOBS_DAYS`` and ``EARMARK_KEEP_JOBS``).
    job_retention: JobRetention = field(default_factory=JobRetention)
    #: How many parts of an analysis are in the queue or under way (``EARMARK_WINDOW``). None: by
    #: the worker's processors.
    window: int | None = None
    #: How log lines are written (``EARMARK_LOG``).
    log_format: LogFormat = "text"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """The settings ``environ`` holds; an empty variable counts as unset.

        Raises:
            SettingsError: variables' values cannot be used; says which, and what to do.
        """
        said = _Said(environ)
        data_dir = said.get("EARMARK_DATA", _folder) or _folder(".earmark")
        authority = said.get("EARMARK_REDIS_CA", str)
        is_local = said.get("EARMARK_LOCAL", bool) or False
        settings = cls(
            data_dir=data_dir,
            database_url=said.get("DATABASE_URL", _database_url) or _default_database(data_dir),
            redis_url=said.get(
                "REDIS_URL", partial(read_redis_url, authority=authority), unset=DEFAULT_REDIS_URL
            )
            or DEFAULT_REDIS_URL,
            secret_key=said.get("SECRET_KEY", str),
            music_dir=said.get("MUSIC", _folder),
            music_roots=said.get("EARMARK_MUSIC_ROOTS", _music_roots) or (),
            sign_up=said.get("EARMARK_SIGN_UP", _sign_up) or ("open" if is_local else "closed"),
            is_local=is_local,
            port=said.get("PORT", partial(_port, "PORT")) or DEFAULT_PORT,
            email=said.get("EARMARK_EMAIL", _email),
            password=said.get("EARMARK_PASSWORD", str),
            secure_cookies=said.get("EARMARK_SECURE_COOKIES", _secure_cookies) or False,
            trusted_proxies=said.get("EARMARK_TRUSTED_PROXIES", _trusted_proxies) or 0,
            streamer=said.get("EARMARK_STREAMER", str),
            metrics_port=said.get("EARMARK_METRICS_PORT", partial(_port, "EARMARK_METRICS_PORT")),
            keep_gone_days=_days(said, "EARMARK_KEEP_GONE_DAYS") or DEFAULT_KEEP_GONE_DAYS,
            web_processes=said.get("WEB_CONCURRENCY", _web_processes) or DEFAULT_WEB_PROCESSES,
            job_retention=JobRetention(
                _days(said, "EARMARK_KEEP_JOBS_DAYS") or JobRetention().days,
                said.get("EARMARK_KEEP_JOBS", _keep_jobs) or JobRetention().each_account,
            ),
            window=said.get("EARMARK_WINDOW", _window),
            log_format=said.get("EARMARK_LOG", _log_format) or "text",
        )
        said.refuse_what_is_wrong()
        return settings

    @property
    def roots(self) -> MusicRoots:
        """All folders that accounts may choose from: those of `earmark up` are among them."""
        return MusicRoots((*self.music_roots, self.music_dir or self.data_dir / "music"))


class _Said:
    """An environment's variables. Wrong values are gathered, so that all are told at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values = {name: value for name, value in environ.items() if value.strip()}
        self._sentences: list[str] = []

    def get(self, name: str, read: Callable[[str], T], *, unset: str | None = None) -> T | None:
        """A variable, or its value where it is ``unset``, as ``read`` has it. None: it is wrong."""
        text = self._values.get(name, unset)
        try:
            return None if text is None else read(text)
        except (SettingsError, RedisUrlError) as error:
            self._sentences.append(str(error))
            return None

    def refuse_what_is_wrong(self) -> None:
        if self._sentences:
            raise SettingsError(*self._sentences)


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _music_roots(text: str) -> tuple[Path, ...]:
    folders = [Path(part).expanduser() for part in text.split(os.pathsep) if part.strip()]
    for folder in folders:
        # The processes have different working folders: a relative path would mean several.
        if not folder.is_absolute() or ".." in folder.parts:
            raise SettingsError(
                f"EARMARK_MUSIC_ROOTS names {str(folder)!r}: name folders by their whole paths, "
                f"with {os.pathsep} between them."
            )
    return tuple(folders)


def _default_database(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'earmark.db'}"


def _database_url(text: str) -> str:
    """The URL, a SQLite file's path made absolute: processes have different working folders."""
    # The value may hold a password, so no message repeats it.
    text = text.strip()
    if not text.startswith(_DATABASE_SCHEMES):
        raise SettingsError(
            "DATABASE_URL must begin with postgres://, or with sqlite:/// and a file."
        )
    try:
        make_url(normal_url(text))
    except (ArgumentError, ValueError):
        # The cause is left out: its text may repeat the value.
        raise SettingsError(
            "DATABASE_URL cannot be read: write it as postgres://user:password@host:port/name, and "
            "letters such as / # ? @ in the password as %2F %23 %3F %40."
        ) from None
    path = text.removeprefix("sqlite:///")
    if path == text or path.startswith(("/", ":", "file:")):
        return text
    return f"sqlite:///{Path(path).absolute()}"


def _port(name: str, text: str) -> int:
    if not _is_number(text, highest=_HIGHEST_PORT):
        raise SettingsError(f"{name} is {text!r}: set it to a number from 1 to {_HIGHEST_PORT}.")
    return int(text)


def _trusted_proxies(text: str) -> int:
    if not _is_number(text, lowest=0, highest=_MOST_PROXIES):
        raise SettingsError(
            f"EARMARK_TRUSTED_PROXIES is {text!r}: set it to the number of proxies in front of the "
            f"site, from 0 to {_MOST_PROXIES}."
        )
    return int(text)


def _is_number(text: str, *, highest: int, lowest: int = 1) -> bool:
    is_short = text.isascii() and text.isdecimal() and len(text) < 10
    return is_short and lowest <= int(text) <= highest


def _email(text: str | None) -> str | None:
    if text is None:
        return None
    name, _, host = text.strip().rpartition("@")
    if not name or not host:
        raise SettingsError(f"EARMARK_EMAIL is {text!r}: set it to an address such as me@home.org.")
    return text.strip()


def _secure_cookies(text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise SettingsError(f"EARMARK_SECURE_COOKIES is {word!r}: set it to yes or no.")
    return word in _YES


def _web_processes(text: str) -> int:
    if not _is_number(text, highest=_MOST_WEB_PROCESSES):
        raise SettingsError(
            f"WEB_CONCURRENCY is {text!r}: set it to a number of processes from 1 to "
            f"{_MOST_WEB_PROCESSES}."
        )
    return int(text)


def _days(said: _Said, name: str) -> int | None:
    return said.get(name, partial(_keep_days, name))


def _keep_days(name: str, text: str) -> int:
    if not _is_number(text, highest=_MOST_DAYS):
        raise SettingsError(
            f"{name} is {text!r}: set it to a number of days from 1 to {_MOST_DAYS:,}."
        )
    return int(text)


def _keep_jobs(text: str) -> int:
    if not _is_number(text, highest=_MOST_JOBS):
        raise SettingsError(
            f"EARMARK_KEEP_JOBS is {text!r}: set it to how many jobs an account keeps, from 1 to "
            f"{_MOST_JOBS:,}."
        )
    return int(text)


def _window(text: str) -> int:
    if not _is_number(text, highest=_LARGEST_WINDOW):
        raise SettingsError(
            f"EARMARK_WINDOW is {text!r}: set it to twice the number of processes that run tasks, "
            f"from 1 to {_LARGEST_WINDOW}."
        )
    return int(text)


def _sign_up(text: str) -> SignUp:
    word = text.strip().lower()
    if word not in get_args(SignUp):
        raise SettingsError(f"EARMARK_SIGN_UP is {text!r}: set it to closed, invite or open.")
    return cast("SignUp", word)


def _log_format(text: str) -> LogFormat:
    word = text.strip().lower()
    if word not in ("text", "json"):
        raise SettingsError(f"EARMARK_LOG is {text!r}: set it to text or json.")
    return "text" if word == "text" else "json"
