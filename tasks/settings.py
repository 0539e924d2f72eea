"""Settings: what the environment says about this installation, read once and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from library.music_roots import MusicRoots
from library.retention import JobRetention

from . import values
from .environment import Environment, SettingsError
from .redis_url import read_redis_url
from .values import LogFormat, SignUp

__all__ = ["Settings", "SettingsError"]

DEFAULT_PORT = 5000
DEFAULT_WEB_PROCESSES = 2
DEFAULT_KEEP_GONE_DAYS = 90
DEFAULT_SOUND_CACHE_MB = 2_000
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


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
    #: The folders in which playlists may be written, absolute (``EARMARK_MUSIC_WRITE``). Empty: no
    #: file among the music is ever written.
    music_write: tuple[Path, ...] = ()
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
    #: Whether people may name music servers of the private network (``EARMARK_PRIVATE_SERVERS``).
    #: `earmark up` on one's own machine lets them.
    private_servers: bool = False
    #: How many megabytes of sound fetched from servers are kept (``EARMARK_SOUND_CACHE_MB``).
    sound_cache_mb: int = DEFAULT_SOUND_CACHE_MB
    #: How log lines are written (``EARMARK_LOG``).
    log_format: LogFormat = "text"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """The settings ``environ`` holds; an empty variable counts as unset.

        Raises:
            SettingsError: variables' values cannot be used; says which, and what to do.
        """
        said = Environment(environ)
        data_dir = said.get("EARMARK_DATA", values.folder) or values.folder(".earmark")
        authority = said.get("EARMARK_REDIS_CA", str)
        is_local = said.get("EARMARK_LOCAL", bool) or False
        settings = cls(
            data_dir=data_dir,
            database_url=said.get("DATABASE_URL", values.database_url)
            or values.default_database(data_dir),
            redis_url=said.get(
                "REDIS_URL", partial(read_redis_url, authority=authority), unset=DEFAULT_REDIS_URL
            )
            or DEFAULT_REDIS_URL,
            secret_key=said.get("SECRET_KEY", str),
            music_dir=said.get("MUSIC", values.folder),
            music_roots=_folders(said, "EARMARK_MUSIC_ROOTS"),
            music_write=_folders(said, "EARMARK_MUSIC_WRITE"),
            sign_up=said.get("EARMARK_SIGN_UP", values.sign_up)
            or ("open" if is_local else "closed"),
            is_local=is_local,
            port=said.get("PORT", partial(values.port, "PORT")) or DEFAULT_PORT,
            email=said.get("EARMARK_EMAIL", values.email),
            password=said.get("EARMARK_PASSWORD", str),
            secure_cookies=said.get("EARMARK_SECURE_COOKIES", values.secure_cookies) or False,
            trusted_proxies=said.get("EARMARK_TRUSTED_PROXIES", values.trusted_proxies) or 0,
            streamer=said.get("EARMARK_STREAMER", str),
            metrics_port=said.get(
                "EARMARK_METRICS_PORT", partial(values.port, "EARMARK_METRICS_PORT")
            ),
            keep_gone_days=values.days(said, "EARMARK_KEEP_GONE_DAYS") or DEFAULT_KEEP_GONE_DAYS,
            web_processes=said.get("WEB_CONCURRENCY", values.web_processes)
            or DEFAULT_WEB_PROCESSES,
            job_retention=JobRetention(
                values.days(said, "EARMARK_KEEP_JOBS_DAYS") or JobRetention().days,
                said.get("EARMARK_KEEP_JOBS", values.keep_jobs) or JobRetention().each_account,
            ),
            window=said.get("EARMARK_WINDOW", values.window),
            private_servers=said.get(
                "EARMARK_PRIVATE_SERVERS",
                values.private_servers,
                unset="yes" if is_local else "no",
            )
            or False,
            sound_cache_mb=said.get("EARMARK_SOUND_CACHE_MB", values.sound_cache_mb)
            or DEFAULT_SOUND_CACHE_MB,
            log_format=said.get("EARMARK_LOG", values.log_format) or "text",
        )
        said.refuse_what_is_wrong()
        return settings

    @property
    def roots(self) -> MusicRoots:
        """All folders that accounts may choose from: those of `earmark up` are among them."""
        return MusicRoots((*self.music_roots, self.music_dir or self.data_dir / "music"))

    @property
    def writable(self) -> MusicRoots:
        """The folders in which playlists may be written."""
        return MusicRoots(self.music_write)


def _folders(said: Environment, name: str) -> tuple[Path, ...]:
    return said.get(name, partial(values.folders, name)) or ()
