"""What the `meta` of a plain ``update_state`` says, in the shapes that people give it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..fit import fit_count, fit_number, fit_text, has_words

T = TypeVar("T")

#: The names under which each thing is looked for, in this order.
DONE = ("current", "done", "completed", "processed", "step", "n")
TOTAL = ("total", "steps", "count", "max", "of")
PERCENT = ("percent", "percentage")
PART_OR_PERCENT = "progress"
WORDS = ("description", "message", "detail", "status", "step")


@dataclass(frozen=True, slots=True)
class Said:
    """Counts and words; None for what was not said."""

    done: int | None = None
    total: int | None = None
    note: str | None = None


def read_meta(meta: object) -> Said:
    """What there is to be shown of any `meta`."""
    if isinstance(meta, str):
        return Said(note=fit_text(meta) or None)
    if not isinstance(meta, Mapping):
        return Said()
    done, total = _counts(meta)
    return Said(done, total, _first(_words(meta.get(name)) for name in WORDS))


def _counts(meta: Mapping[object, object]) -> tuple[int | None, int | None]:
    done = _first(_number(meta.get(name)) for name in DONE)
    total = _first(number for name in TOTAL if (number := _number(meta.get(name))) and number > 0)
    progress = meta.get(PART_OR_PERCENT)
    if done is None and total is not None and not _is_part(progress):
        done = _number(progress)
    if done is not None and total is not None:
        return fit_count(done), fit_count(total)
    percent = _first(_number(meta.get(name)) for name in PERCENT)
    if percent is None:
        percent = _number(progress)
        percent = percent * 100 if percent is not None and _is_part(progress) else percent
    if percent is not None:
        # Rounded before it is cut: 0.29 * 100 is a little less than 29.
        return fit_count(min(100.0, round(percent, 6))), 100
    # A "count" alone may be of what is done or of what there is.
    return fit_count(done) if done is not None else None, None if done is None else fit_count(total)


def _is_part(value: object) -> bool:
    """Whether a number is from 0 to 1 and not from 0 to 100: it has a decimal point."""
    number = _number(value)
    has_point = not isinstance(value, int) and "." in (fit_text(value) or "")
    return has_point and number is not None and number <= 1 and not _ends_in_percent(value)


def _ends_in_percent(value: object) -> bool:
    return isinstance(value, str) and value.strip().endswith("%")


def _number(value: object) -> float | None:
    return None if isinstance(value, bool) else fit_number(value)


def _words(value: object) -> str | None:
    if value is None or isinstance(value, bool) or not has_words(value):
        return None
    return None if _number(value) is not None else fit_text(value) or None


def _first(found: Iterable[T | None]) -> T | None:
    return next((one for one in found if one is not None), None)
