"""Servers: whether the database and Redis are what Earmark needs, and one sentence where not.

What heals by itself, such as a server that is not up yet, is a warning: a process that ended for it
would have its host wait longer and longer before the next start. What stays wrong until somebody
changes it ends the process.
"""

from __future__ import annotations

import sqlite3
import ssl
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import redis
from sqlalchemy.exc import SQLAlchemyError

from library.database import Database
from library.schema import Standing
from progress.redis import safe_client
from progress.redis.health import eviction

from .settings import Settings

#: The oldest version of each server that Earmark works with: the log's script needs Redis 6.2, the
#: statements SQLite 3.35; the PostgreSQL project maintains none older than 14.
OLDEST_REDIS: tuple[int, ...] = (6, 2)
OLDEST_POSTGRESQL: tuple[int, ...] = (14,)
OLDEST_SQLITE: tuple[int, ...] = (3, 35)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a server, in one sentence that holds no secret."""

    sentence: str
    #: Whether it stays so until somebody changes something.
    is_final: bool


class _Wrong(Exception):
    def __init__(self, sentence: str, *, is_final: bool = True) -> None:
        super().__init__(sentence)
        self.finding = Finding(sentence, is_final)


def look_at_database(settings: Settings) -> Finding | None:
    """What is wrong with the database or its tables; None where nothing is."""
    try:
        with closing(Database(settings.database_url)) as database, _database_errors(database):
            schema = database.schema()
            _check_database_version(database)
    except _Wrong as wrong:
        return wrong.finding
    except ImportError as error:
        return Finding(missing_driver(error), is_final=True)
    if schema.standing is Standing.AHEAD:
        return Finding(str(schema), is_final=False)
    return None if schema.is_usable else Finding(str(schema), is_final=True)


def missing_driver(error: ImportError) -> str:
    """The sentence for a database whose driver cannot be loaded."""
    return f"The database's driver {error.name} is missing: pip install 'earmark[postgres]'."


def database_unreachable(error: SQLAlchemyError) -> str:
    """The sentence for a database that did not answer."""
    reason = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
    return f"The database cannot be opened ({reason}): check DATABASE_URL and its server."


@contextmanager
def _database_errors(database: Database) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        # A file that cannot be opened stays so, a writer that holds it does not.
        is_final = database.engine.dialect.name == "sqlite" and "locked" not in str(error)
        raise _Wrong(database_unreachable(error), is_final=is_final) from error


def _check_database_version(database: Database) -> None:
    dialect = database.engine.dialect
    if dialect.name == "sqlite":
        name, oldest, found = "SQLite", OLDEST_SQLITE, _numbers(sqlite3.sqlite_version_info)
    else:
        name, oldest, found = "PostgreSQL", OLDEST_POSTGRESQL, _numbers(dialect.server_version_info)
    if found < oldest:
        raise _Wrong(
            f"The database is {name} {_dotted(found)}: Earmark needs {_dotted(oldest)} or newer."
        )


def look_at_redis(settings: Settings) -> Finding | None:
    """What is wrong with the Redis server; None where nothing is."""
    try:
        with closing(safe_client(settings.redis_url)) as client, _redis_errors(settings.redis_url):
            known = client.info()
    except _Wrong as wrong:
        return wrong.finding
    if not isinstance(known, dict):
        return None
    version = str(known.get("redis_version", ""))
    found = _numbers(version.split("."))
    if found and found < OLDEST_REDIS:
        return Finding(
            f"The Redis server is of version {version}: Earmark needs {_dotted(OLDEST_REDIS)} or "
            "newer, or Valkey.",
            is_final=True,
        )
    # A warning: it works until the memory is full, and a host that changes the policy must not take
    # the site down with it.
    evicts = eviction(known)
    return Finding(evicts, is_final=False) if evicts else None


@contextmanager
def _redis_errors(url: str) -> Iterator[None]:
    address = urlsplit(url)
    place = f"The Redis server at {address.hostname}:{address.port or 6379}"
    try:
        yield
    except redis.exceptions.NoPermissionError as error:
        raise _Wrong(
            f"{place} does not let this user ask for INFO, so its version and whether it evicts "
            "are not known.",
            is_final=False,
        ) from error
    except redis.AuthenticationError as error:
        raise _Wrong(
            f"{place} refuses the user or the password: check those in REDIS_URL."
        ) from error
    except redis.ResponseError as error:
        raise _Wrong(f"{place} refuses the connection ({error}): check REDIS_URL.") from error
    except (redis.RedisError, OSError) as error:
        raise _unreachable(error, place, has_tls=address.scheme == "rediss") from error


def _unreachable(error: BaseException, place: str, *, has_tls: bool) -> _Wrong:
    cause = _first_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _Wrong(
            f"{place} shows a certificate that cannot be verified ({cause.verify_message}): set "
            "EARMARK_REDIS_CA to the file of its authority's certificate, or to none to take any."
        )
    if isinstance(cause, ssl.SSLError):
        return _Wrong(f"{place} speaks no TLS that fits ({cause.reason}): check REDIS_URL.")
    reason = "no answer in time" if isinstance(cause, TimeoutError) else _reason(cause)
    advice = "check REDIS_URL and its server"
    if has_tls and isinstance(cause, TimeoutError):
        advice = "check that it speaks TLS at this port, as rediss:// in REDIS_URL says"
    elif not has_tls and isinstance(cause, ConnectionError) and "refused" not in reason:
        advice = "if it speaks TLS at this port, begin REDIS_URL with rediss://"
    return _Wrong(f"{place} cannot be reached ({reason}): {advice}.", is_final=False)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def _first_cause(error: BaseException) -> BaseException:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _numbers(parts: Iterable[int | str] | None) -> tuple[int, ...]:
    return tuple(int(part) for part in parts or () if str(part).isdecimal())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
