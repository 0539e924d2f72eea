"""The values of settings: each read from its variable's text, and refused with what to do."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Literal, cast, get_args

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from library.database import normal_url

from .environment import Environment, SettingsError

LogFormat = Literal["text", "json"]
SignUp = Literal["closed", "invite", "open"]

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})
_HIGHEST_PORT = 65535
_MOST_PROXIES = 10
_MOST_WEB_PROCESSES = 1_000
_MOST_DAYS, _MOST_JOBS = 36_500, 1_000_000
_LARGEST_WINDOW = 10_000
# Less holds no long song, more is a disk of its own.
_LEAST_CACHE_MB, _LARGEST_CACHE_MB = 100, 10_000_000
_DATABASE_SCHEMES = ("postgres://", "postgresql://", "postgresql+psycopg://", "sqlite://")


def folder(text: str) -> Path:
    """A folder's absolute path."""
    return Path(text).expanduser().absolute()


def folders(name: str, text: str) -> tuple[Path, ...]:
    """Folders by their whole paths, with colons between them."""
    found = [Path(part).expanduser() for part in text.split(os.pathsep) if part.strip()]
    for one in found:
        # The processes have different working folders: a relative path would mean several.
        if not one.is_absolute() or ".." in one.parts:
            raise SettingsError(
                f"{name} names {str(one)!r}: name folders by their whole paths, "
                f"with {os.pathsep} between them."
            )
    return tuple(found)


def default_database(data_dir: Path) -> str:
    """The URL of the database in the folder of data."""
    return f"sqlite:///{data_dir / 'earmark.db'}"


def database_url(text: str) -> str:
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


def port(name: str, text: str) -> int:
    """A TCP port's number."""
    if not _is_number(text, highest=_HIGHEST_PORT):
        raise SettingsError(f"{name} is {text!r}: set it to a number from 1 to {_HIGHEST_PORT}.")
    return int(text)


def trusted_proxies(text: str) -> int:
    """A number of proxies."""
    if not _is_number(text, lowest=0, highest=_MOST_PROXIES):
        raise SettingsError(
            f"EARMARK_TRUSTED_PROXIES is {text!r}: set it to the number of proxies in front of the "
            f"site, from 0 to {_MOST_PROXIES}."
        )
    return int(text)


def _is_number(text: str, *, highest: int, lowest: int = 1) -> bool:
    is_short = text.isascii() and text.isdecimal() and len(text) < 10
    return is_short and lowest <= int(text) <= highest


def email(text: str) -> str:
    """An e-mail address."""
    name, _, host = text.strip().rpartition("@")
    if not name or not host:
        raise SettingsError(f"EARMARK_EMAIL is {text!r}: set it to an address such as me@home.org.")
    return text.strip()


def secure_cookies(text: str) -> bool:
    """Whether cookies are for HTTPS alone."""
    return _yes_or_no("EARMARK_SECURE_COOKIES", text)


def private_servers(text: str) -> bool:
    """Whether music servers may be in the private network."""
    return _yes_or_no("EARMARK_PRIVATE_SERVERS", text)


def _yes_or_no(name: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise SettingsError(f"{name} is {word!r}: set it to yes or no.")
    return word in _YES


def sound_cache_mb(text: str) -> int:
    """A number of megabytes."""
    if not _is_number(text, lowest=_LEAST_CACHE_MB, highest=_LARGEST_CACHE_MB):
        raise SettingsError(
            f"EARMARK_SOUND_CACHE_MB is {text!r}: set it to how many megabytes of sound from music "
            f"servers are kept, from {_LEAST_CACHE_MB} to {_LARGEST_CACHE_MB:,}."
        )
    return int(text)


def web_processes(text: str) -> int:
    """A number of processes."""
    if not _is_number(text, highest=_MOST_WEB_PROCESSES):
        raise SettingsError(
            f"WEB_CONCURRENCY is {text!r}: set it to a number of processes from 1 to "
            f"{_MOST_WEB_PROCESSES}."
        )
    return int(text)


def days(said: Environment, name: str) -> int | None:
    """A variable that holds a number of days."""
    return said.get(name, partial(_keep_days, name))


def _keep_days(name: str, text: str) -> int:
    if not _is_number(text, highest=_MOST_DAYS):
        raise SettingsError(
            f"{name} is {text!r}: set it to a number of days from 1 to {_MOST_DAYS:,}."
        )
    return int(text)


def keep_jobs(text: str) -> int:
    """A number of jobs."""
    if not _is_number(text, highest=_MOST_JOBS):
        raise SettingsError(
            f"EARMARK_KEEP_JOBS is {text!r}: set it to how many jobs an account keeps, from 1 to "
            f"{_MOST_JOBS:,}."
        )
    return int(text)


def window(text: str) -> int:
    """A number of parts."""
    if not _is_number(text, highest=_LARGEST_WINDOW):
        raise SettingsError(
            f"EARMARK_WINDOW is {text!r}: set it to twice the number of processes that run tasks, "
            f"from 1 to {_LARGEST_WINDOW}."
        )
    return int(text)


def sign_up(text: str) -> SignUp:
    """Who may make an account."""
    word = text.strip().lower()
    if word not in get_args(SignUp):
        raise SettingsError(f"EARMARK_SIGN_UP is {text!r}: set it to closed, invite or open.")
    return cast("SignUp", word)


def log_format(text: str) -> LogFormat:
    """A form of log lines."""
    word = text.strip().lower()
    if word not in ("text", "json"):
        raise SettingsError(f"EARMARK_LOG is {text!r}: set it to text or json.")
    return "text" if word == "text" else "json"
