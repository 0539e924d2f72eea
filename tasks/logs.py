"""Logs: how the lines of every process of Earmark are written, as text or as JSON.

A line says when, how grave, who says it, and what it belongs to: the request, the account, the job.
No secret is in it, and a failure that repeats is written once and counted.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from .repeats import Cause, Repeats, cause_of
from .settings import Settings

#: What a line may belong to, in the order in which it is written.
FIELDS = ("request_id", "account", "job_id", "task_id")

#: Tells what the present line belongs to, as far as it is known.
Context = Callable[[], Mapping[str, str | None]]

_contexts: list[Context] = []

_URL_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s@]+@")
_MASK = "***"
#: A shorter secret would be found in many a word that is none.
_LEAST_SECRET = 6


def add_context(context: Context) -> None:
    """Have every line tell what ``context`` knows when it is written."""
    if context not in _contexts:
        _contexts.append(context)


def configure(settings: Settings, *, level: int | str = logging.INFO) -> None:
    """Write the lines of this process as the settings say."""
    logging.config.dictConfig(configuration(settings, level=level))
    logging.captureWarnings(capture=True)


def formatter(settings: Settings) -> logging.Formatter:
    """What writes one line as the settings say."""
    lines = JsonLines if settings.log_format == "json" else TextLines
    return lines(secrets=_secrets(settings))


def configuration(settings: Settings, *, level: int | str = logging.INFO) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes. It is made of JSON, for processes of our own."""
    lines = "JsonLines" if settings.log_format == "json" else "TextLines"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{__name__}.{lines}", "secrets": _secrets(settings)}},
        "handlers": {"lines": {"()": f"{__name__}.Lines", "formatter": "lines"}},
        "root": {"handlers": ["lines"], "level": level},
        # It tells what kind of database it looks at, each time.
        "loggers": {"alembic": {"level": "WARNING"}},
    }


def _secrets(settings: Settings) -> list[str]:
    found = [settings.secret_key, settings.password]
    for url in (settings.database_url, settings.redis_url):
        if (password := urlsplit(url).password) is not None:
            found += [password, unquote(password)]
    return sorted({secret for secret in found if secret and len(secret) >= _LEAST_SECRET})


class Lines(logging.StreamHandler):  # type: ignore[type-arg] # it takes none when it runs
    """Writes lines to standard error, and the repeats of a failure as a number."""

    def __init__(self, stream: Any = None, *, repeats: Repeats | None = None) -> None:
        super().__init__(stream)
        self._repeats = repeats or Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it."""
        self._tell_counts()
        cause = cause_of(record)
        if cause is None:
            super().emit(record)
        elif self._repeats.is_new(cause):
            super().emit(_shortened(record, cause) if cause.is_away else record)
        elif record.exc_info and not cause.is_away:
            # It may be another request's or job's: only its traceback is known already.
            super().emit(_shortened(record, cause))

    def close(self) -> None:
        """Tell what is counted and not yet told."""
        self._tell_counts(all_of_them=True)
        super().close()

    def _tell_counts(self, *, all_of_them: bool = False) -> None:
        for cause, count in self._repeats.over(all_of_them=all_of_them):
            times = "once" if count == 1 else f"{count} times"
            text = f"Again {times}: {cause.text}"
            name, level = cause.key[0], logging.WARNING
            super().emit(logging.LogRecord(name, level, "", 0, text, None, None))


def _shortened(record: logging.LogRecord, cause: Cause) -> logging.LogRecord:
    short = copy(record)
    text = " ".join(record.getMessage().split())
    short.msg = text if cause.text in text else f"{text[:300]} ({cause.text})"
    short.args, short.exc_info, short.exc_text, short.stack_info = None, None, None, None
    return short


class _Formatter(logging.Formatter):
    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def _masked(self, text: str) -> str:
        text = _URL_PASSWORD.sub(rf"\1{_MASK}@", text)
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text

    @staticmethod
    def _belonging(record: logging.LogRecord) -> dict[str, str]:
        known: dict[str, str | None] = {}
        for context in _contexts:
            known |= context()
        known |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        return {name: value for name in FIELDS if (value := known.get(name))}


class TextLines(_Formatter):
    """A line for people: the time (UTC), the level, who says it, what it belongs to, the text."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; what follows it, such as a traceback, is indented."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        belonging = "".join(f" {name}={value}" for name, value in self._belonging(record).items())
        text = f"{at} {record.levelname} {record.name}{belonging}: {record.getMessage().strip()}"
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        # What somebody has written into a name or a title begins no line.
        return self._masked("\n    ".join(text.splitlines()))


class JsonLines(_Formatter):
    """A line for programs: one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback is in its ``exception``."""
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            **self._belonging(record),
            "message": self._masked(record.getMessage().strip()),
        }
        if (action := getattr(record, "action", None)) is not None:
            said["action"] = str(action)
        if record.exc_info:
            said["exception"] = self._masked(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False, default=str)
