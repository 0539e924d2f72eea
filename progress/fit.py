"""Makes a value that a task says fit for the wire. Nothing here raises.

A value that cannot be made fit becomes None: the reporter leaves it out, alone. A second thread
asks a value of an unknown type for its text or number, with the caller's context variables: its
``__str__`` may wait for ever, and the task must not wait with it.
"""

from __future__ import annotations

import contextvars
import hashlib
import math
import queue
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, TypeVar, cast
from uuid import UUID

import orjson

#: Longest label, reason, error and note, item id, and kind or code on the wire, in characters.
MAX_TEXT, MAX_ID, MAX_WORD = 300, 200, 40
#: Largest count on the wire: JavaScript and Lua keep every integer up to here exactly.
MAX_COUNT = 2**53 - 1
#: A note's details and a result hold at most this much, in bytes of JSON.
MAX_DETAILS_BYTES, MAX_RESULT_BYTES = 2_048, 4_096
#: A JSON document is read up to this many parts and this depth: a larger one is too long anyhow.
_MOST_PARTS, _MOST_DEPTH = 4_096, 16
#: A value that does not answer within this time is not asked again, nor are others of its type.
ASK_SECONDS = 0.1
#: A thread that asks ends at most this long after the thread that it asks for.
_IDLE_SECONDS = 5.0

#: Lone surrogates have no UTF-8 and control characters no place on a page; tab and newline have.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_LETTER = re.compile(r"[^A-Za-z0-9_.:-]+", re.ASCII)
_HASH_DIGITS = 16

#: Types whose text and number are known to come at once.
_KNOWN = (
    *(str, int, float, bool, bytes, type(None), UUID, Decimal, Fraction),
    *(date, datetime, time, timedelta, PurePosixPath, PureWindowsPath, PosixPath, WindowsPath),
)
#: Compared by identity: a metaclass may define hash and equality in any way.
_KNOWN_IDS = frozenset(map(id, _KNOWN))

T = TypeVar("T")


def fit_text(value: object, *, most: int = MAX_TEXT) -> str | None:
    """A text of at most `most` characters; None for None and for a value without a text."""
    if type(value) is str and len(value) <= most and value.isprintable():
        return value
    text = _text_of(value)
    if text is None:
        return None
    cleaned = _UNFIT.sub("\ufffd", text[: most + 1])
    return cleaned if len(cleaned) <= most else cleaned[: most - 1] + "…"


def fit_id(value: object) -> str | None:
    """An item's id; None where the value names nothing, as an address in memory does.

    A long one, or one with letters that are no letters, ends with a hash of the whole, so that
    two ids which look the same on the wire are the same.
    """
    if type(value) is str and 0 < len(value) <= MAX_ID and value.isprintable():
        return value
    text = None if _is_named_by_its_address(value) else _text_of(value)
    if not text:
        return None
    cleaned = _UNFIT.sub("\ufffd", text[:MAX_ID])
    if cleaned == text:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{cleaned[: MAX_ID - _HASH_DIGITS - 1]}~{digest}"


def fit_word(value: object, *, otherwise: str) -> str:
    """A kind or a code: letters, digits and ``_ . : -``, never empty."""
    text = fit_text(value, most=MAX_TEXT)
    return _NO_LETTER.sub("_", text or "").strip("_")[:MAX_WORD] or otherwise


def fit_count(value: object) -> int | None:
    """A whole number from 0 to `MAX_COUNT`; None for what is no number, or not a finite one."""
    if type(value) is int:
        return min(max(0, value), MAX_COUNT)
    number = fit_number(value)
    return None if number is None else min(max(0, int(number)), MAX_COUNT)


def fit_number(value: object) -> float | None:
    """A finite number, also where it is written as text; None for what is none."""
    if type(value) in (str, bytes):
        value = str(_text_of(value)).strip().removesuffix("%")[:MAX_TEXT]
    unknown: Any = value
    found = _ask(value, lambda: float(unknown))
    return found if found is not None and math.isfinite(found) else None


def fit_json(value: object, *, most_bytes: int) -> bytes | None:
    """A JSON document of at most `most_bytes` bytes; None where the value would take more.

    A value that JSON does not know becomes its text, and a number that is not finite becomes null.
    """
    with suppress(_TooMuch, RecursionError):
        document = orjson.dumps(_json_of(value, [_MOST_PARTS], 0))
        return document if len(document) <= most_bytes else None
    return None


class _TooMuch(Exception):
    """A value has more parts, or parts within parts, than are looked at."""


def _json_of(value: object, left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth > _MOST_DEPTH:
        raise _TooMuch
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(cast("int", value)) <= MAX_COUNT else str(value)
    if kind is float:
        return value if math.isfinite(cast("float", value)) else None
    if issubclass(kind, dict):
        pairs = dict.items(cast("dict[Any, Any]", value))
        return {
            fit_text(name, most=MAX_TEXT) or "?": _json_of(part, left, depth + 1)
            for name, part in pairs
        }
    if kind in (list, tuple, set, frozenset):
        return [_json_of(part, left, depth + 1) for part in cast("list[Any]", value)]
    number = None if issubclass(kind, (str, bytes)) else fit_number(value)
    if number is not None:
        return int(number) if number.is_integer() and abs(number) <= MAX_COUNT else number
    return fit_text(value, most=_MOST_PARTS)


def _text_of(value: object) -> str | None:
    if value is None:
        return None
    # The type and not `__class__`, which an object may define in any way and which may raise.
    if issubclass(type(value), (bytes, bytearray)):
        return bytes.decode(value, "utf-8", "replace")  # type: ignore[arg-type] # it is bytes
    # Not `str(value)`: a subclass may define `__str__` in any way. The letters it holds are a text.
    if issubclass(type(value), str):
        return str.__str__(value)
    text = _ask(value, lambda: str(value))
    return None if text is None else str.__str__(text)


def _is_named_by_its_address(value: object) -> bool:
    kind = type(value)
    return kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__


def has_words(value: object) -> bool:
    """Whether a value's text is fit to stand for it on a page: no collection, no address."""
    return not issubclass(
        type(value), (dict, list, tuple, set, frozenset)
    ) and not _is_named_by_its_address(value)


# -- values of types that are not known ---------------------------------------------------------

#: Types that were asked in vain, by their identity; kept, so that none is taken for another.
_silent: dict[int, type] = {}
_here = threading.local()


def _ask(value: object, question: Callable[[], T]) -> T | None:
    """The answer to a question about a value; None where it raises, or takes too long."""
    kind = type(value)
    if id(kind) in _KNOWN_IDS:
        # Only these: Celery may raise a soft time limit here, which the task has to see.
        try:
            return question()
        except (ValueError, TypeError, ArithmeticError):
            return None
    if id(kind) in _silent:
        return None
    asker: _Asker | None = getattr(_here, "asker", None)
    if asker is None or not asker.is_alive:
        asker = _here.asker = _Asker()
    answers = asker.ask(question)
    if answers is None:
        _silent[id(kind)] = kind
        _here.asker = None
        return None
    return answers[0] if answers else None


class _Asker:
    """A thread that evaluates questions for another one, until one of them takes too long."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._owner = threading.current_thread()
        self._thread = threading.Thread(target=self._run, name="progress-fit", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked; in a child after a fork it cannot."""
        return self._thread.is_alive()

    def ask(self, question: Callable[[], T]) -> list[T] | None:
        """The answer, or nothing for an exception; None where neither comes in time."""
        answers: list[T] = []
        answered = threading.Event()
        context = contextvars.copy_context()

        def answer() -> None:
            with suppress(BaseException):
                answers.append(context.run(question))
            answered.set()

        self._questions.put(answer)
        return answers if answered.wait(ASK_SECONDS) else None

    def _run(self) -> None:
        while self._owner.is_alive():
            with suppress(queue.Empty):
                self._questions.get(timeout=_IDLE_SECONDS)()
