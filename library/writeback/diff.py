"""What differs between two versions of a list, as lines for people. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..sources.encodings import is_text, readings
from ..sources.names import text_of

#: Lines of the same kind that are shown around what differs.
_AROUND = 2
#: A page shows at most this many lines of a list, and this many letters of a line.
MOST_LINES, _MOST_LETTERS = 200, 300
#: Lines in the middle that are compared one by one. More are shown as gone and come.
_COMPARED = 2_000
#: Letters of a long line that are shown before what differs.
_BEFORE = 60

Kind = Literal["same", "new", "gone"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is in both versions, in the new one or in the old one."""

    kind: Kind
    text: str


def lines(before: bytes, after: bytes, *, encoding: str | None = None) -> list[Line]:
    """The lines that differ, with a few before and behind them.

    `encoding` is that of both; None where nobody knows.
    """
    old, new = _lines(before, encoding), _lines(after, encoding)
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    middle = _compared(old[first : len(old) - last], new[first : len(new) - last])
    head = old[max(0, first - _AROUND) : first]
    tail = old[len(old) - last : len(old) - last + _AROUND] if middle else []
    found = [*_as("same", head), *middle, *_as("same", tail)]
    if len(found) > MOST_LINES:
        more = f"… and {len(found) - MOST_LINES:,} more lines"
        found = [*found[:MOST_LINES], Line("same", more)]
    return _shown(found) if middle else []


def _shown(found: list[Line]) -> list[Line]:
    """The lines, those that are too long cut to where they differ from the one before."""
    shown, before = [], ""
    for line in found:
        begin = max(0, _common(before, line.text) - _BEFORE)
        shown.append(Line(line.kind, _short(line.text, begin)))
        before = line.text
    return shown


def _compared(old: Sequence[str], new: Sequence[str]) -> list[Line]:
    if not old or not new or len(old) + len(new) > _COMPARED:
        return [*_as("gone", old), *_as("new", new)]
    found: list[Line] = []
    # By whole lines: to look for letters that two lines share takes minutes for some thousand.
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, begin, end, new_begin, new_end in matcher.get_opcodes():
        if tag == "equal":
            found += _as("same", old[begin:end])
        else:
            found += [*_as("gone", old[begin:end]), *_as("new", new[new_begin:new_end])]
    return found


def _as(kind: Kind, texts: Sequence[str]) -> list[Line]:
    return [Line(kind, text) for text in texts]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines two begin with alike."""
    same = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        same += 1
    return same


def _lines(data: bytes, encoding: str | None) -> list[str]:
    text = text_of(_text(data, encoding)).replace("\r\n", "\n").replace("\r", "\n")
    found = text.split("\n")
    if found[-1] == "":
        found.pop()
    return found


def _text(data: bytes, encoding: str | None) -> str:
    if encoding is not None and encoding != "utf-8":
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            pass
    first, second = "", None
    for number, (_, text) in enumerate(readings(data)):
        if number == 1:
            second = text
            break
        first = text
    return first if is_text(first) or second is None else second


def _short(line: str, begin: int) -> str:
    if len(line) <= _MOST_LETTERS:
        return line
    begin = min(begin, len(line) - _MOST_LETTERS)
    end = begin + _MOST_LETTERS
    return f"{'… ' if begin else ''}{line[begin:end]}{' …' if end < len(line) else ''}"
