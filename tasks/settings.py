"""Settings: what the environment says about this installation, read once and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 5000
DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})
_HIGHEST_PORT = 65535
_MOST_PROXIES = 10
_REDIS_SCHEMES = ("redis://", "rediss://")


class SettingsError(ValueError):
    """An environment variable holds a value that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings. Nothing else in Earmark reads the environment.

    What may hold a secret is left out of ``repr``, so that a logged settings object tells none.
    """

    #: The folder for everything Earmark writes, absolute (``EARMARK_DATA``, default ``.earmark``).
    data_dir: Path
    #: SQLAlchemy URL (``DATABASE_URL``, default ``<data_dir>/earmark.db`` with SQLite).
    database_url: str = field(repr=False)
    #: Redis URL of broker, results and logs (``REDIS_URL``).
    redis_url: str = field(default=DEFAULT_REDIS_URL, repr=False)
    #: The key that signs sessions (``SECRET_KEY``). None where no pages are served.
    secret_key: str | None = field(default=None, repr=False)
    #: The folder of music to sort, absolute (``MUSIC``). None: the demo library.
    music_dir: Path | None = None
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

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """The settings ``environ`` holds; an empty variable counts as unset.

        Raises:
            SettingsError: a variable's value cannot be used; says which, and what to do.
        """
        values = {name: value for name, value in environ.items() if value.strip()}
        data_dir = _folder(values.get("EARMARK_DATA", ".earmark"))
        music, metrics = values.get("MUSIC"), values.get("EARMARK_METRICS_PORT")
        return cls(
            data_dir=data_dir,
            database_url=_database_url(values.get("DATABASE_URL"), data_dir),
            redis_url=_redis_url(values.get("REDIS_URL", DEFAULT_REDIS_URL)),
            secret_key=values.get("SECRET_KEY"),
            music_dir=None if music is None else _folder(music),
            port=_port("PORT", values.get("PORT", str(DEFAULT_PORT))),
            email=_email(values.get("EARMARK_EMAIL")),
            password=values.get("EARMARK_PASSWORD"),
            secure_cookies=_flag(values, "EARMARK_SECURE_COOKIES"),
            trusted_proxies=_trusted_proxies(values.get("EARMARK_TRUSTED_PROXIES", "0")),
            streamer=values.get("EARMARK_STREAMER"),
            metrics_port=None if metrics is None else _port("EARMARK_METRICS_PORT", metrics),
        )


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _database_url(text: str | None, data_dir: Path) -> str:
    """The URL, a SQLite file's path made absolute: processes have different working folders."""
    if text is None:
        return f"sqlite:///{data_dir / 'earmark.db'}"
    path = text.removeprefix("sqlite:///")
    if path == text or path.startswith(("/", ":", "file:")):
        return text
    return f"sqlite:///{Path(path).absolute()}"


def _port(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _HIGHEST_PORT):
        raise SettingsError(f"{name} is {text!r}: set it to a number from 1 to {_HIGHEST_PORT}.")
    return int(text)


def _trusted_proxies(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _MOST_PROXIES):
        raise SettingsError(
            f"EARMARK_TRUSTED_PROXIES is {text!r}: set it to the number of proxies in front of the "
            f"site, from 0 to {_MOST_PROXIES}."
        )
    return int(text)


def _email(text: str | None) -> str | None:
    if text is None:
        return None
    name, _, host = text.strip().rpartition("@")
    if not name or not host:
        raise SettingsError(f"EARMARK_EMAIL is {text!r}: set it to an address such as me@home.org.")
    return text.strip()


def _redis_url(text: str) -> str:
    # The value may hold a password, so the message does not repeat it.
    if not text.startswith(_REDIS_SCHEMES):
        raise SettingsError("REDIS_URL must begin with redis:// or rediss://.")
    return text


def _flag(values: Mapping[str, str], name: str) -> bool:
    word = values.get(name, "no").strip().lower()
    if word not in _YES | _NO:
        raise SettingsError(f"{name} is {word!r}: set it to yes or no.")
    return word in _YES
