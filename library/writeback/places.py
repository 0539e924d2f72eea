"""How a list names its files, learned from its entries, and how it would name another. Pure."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote_to_bytes

from ..sources.names import alike

#: What RFC 3986 (2.3) never has encoded.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
#: A list's style is that of so many of its entries, the last ones.
_ENTRIES_LOOKED_AT = 500
_CODED = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Style:
    """How a list names a file: from where on, with which divider, and in which letters."""

    #: What stands before the path. None: the path is relative to the list's own folder.
    prefix: str | None = None
    #: What stands before a path that is relative to the list's own folder: nothing or ``./``.
    here: str = ""
    divider: str = "/"
    is_coded: bool = False
    #: Letters that stand as they are where others are percent-encoded.
    kept: frozenset[str] = frozenset()
    #: Whether letters beyond ASCII are among them.
    keeps_letters: bool = False
    is_lower: bool = False

    def place(self, song: str, at: PurePosixPath) -> str:
        """The text for a file, by its path from the root, in a list of the folder `at`."""
        if self.prefix is None:
            path = posixpath.relpath(song, str(at))
            return self.here + self._written(path)
        return self.prefix + self._written(song)

    def _written(self, path: str) -> str:
        if not self.is_coded:
            return path.replace("/", self.divider)
        return self.divider.join(map(self._coded, path.split("/")))

    def _coded(self, name: str) -> str:
        return "".join(c if self._stays(c) else self._code(c) for c in name)

    def _stays(self, char: str) -> bool:
        is_letter = char > "\x7f" and not "\ud800" <= char <= "\udfff"
        return char in _PLAIN or char in self.kept or (self.keeps_letters and is_letter)

    def _code(self, char: str) -> str:
        digits = "02x" if self.is_lower else "02X"
        return "".join(f"%{byte:{digits}}" for byte in os.fsencode(char))


@dataclass(frozen=True, slots=True)
class Named:
    """A file as a list names it."""

    place: str
    #: Its path from the root.
    song: str


#: What formats whose places are URIs begin with.
URI = Style(is_coded=True)
PLAIN = Style()
WINDOWS = Style(divider="\\")


def styles(named: Sequence[Named], at: PurePosixPath, otherwise: Style) -> list[Style]:
    """The styles for a new entry of a list, the likeliest first.

    As most entries have it, or the last where they are equally many. Where a path cannot be written
    so, it is tried relative to the list's folder.
    """
    named = named[-_ENTRIES_LOOKED_AT:]
    bases = [base for entry in named if (base := _base_of(entry, at)) is not None]
    if not bases:
        return [otherwise]
    counts = Counter(bases)
    best = max(range(len(bases)), key=lambda index: (counts[bases[index]], index))
    prefix, here, divider = bases[best]
    # A file in the root has no divider: those of the others are asked.
    divider = divider or next((d for _, _, d in reversed(bases) if d), otherwise.divider)
    coding = _coding_of(named, otherwise, is_uri=bool(prefix and _is_uri(prefix)))
    found = replace(coding, prefix=prefix, here=here, divider=divider)
    return [found, replace(found, prefix=None, here="." + divider)]


def _base_of(entry: Named, at: PurePosixPath) -> tuple[str | None, str, str] | None:
    """Prefix, beginning and divider of an entry; None where its song has another path."""
    is_windows = "\\" in entry.place and "/" not in entry.place
    divider = "\\" if is_windows else "/" if "/" in entry.place else ""
    parts = entry.place.split(divider) if divider else [entry.place]
    here = parts[0] + divider if parts[0] == "." else ""
    rest = parts[1:] if here else parts
    if _are_alike(rest, posixpath.relpath(entry.song, str(at)).split("/")):
        return None, here, divider
    path = entry.song.split("/")
    if len(parts) >= len(path) and _are_alike(parts[-len(path) :], path):
        before = parts[: -len(path)]
        return divider.join((*before, "")) if before else "", "", divider
    return None


def _are_alike(written: Sequence[str], path: Sequence[str]) -> bool:
    return len(written) == len(path) and all(
        name in map(alike, _readings(text))
        for text, name in zip(written, map(alike, path), strict=True)
    )


def _readings(text: str) -> Iterator[str]:
    yield text
    if "%" in text:
        yield unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode(
            "utf-8", "surrogateescape"
        )


def _coding_of(named: Sequence[Named], otherwise: Style, *, is_uri: bool) -> Style:
    """Whether a list's places are percent-encoded, and what in them is not."""
    coded, plain = [], 0
    for entry in named:
        name = entry.song.rpartition("/")[2]
        written = re.split(r"[/\\]", entry.place)[-1]
        if alike(written) == alike(name):
            plain += any(c not in _PLAIN for c in name)
        elif _CODED.search(written):
            coded.append(written)
    says_nothing = not coded and not plain
    kept = {c for written in coded for c in _CODED.sub("", written) if c not in _PLAIN}
    digits = "".join(_CODED.findall("".join(coded)))
    return Style(
        is_coded=otherwise.is_coded or is_uri if says_nothing else len(coded) > plain,
        kept=frozenset(c for c in kept if c <= "\x7f"),
        keeps_letters=any(c > "\x7f" for c in kept),
        is_lower=digits.lower() == digits != digits.upper(),
    )


def _is_uri(prefix: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", prefix) is not None
