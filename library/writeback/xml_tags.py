"""Where the elements of an XML text stand in it. Pure.

For texts that a reader has taken before: they are well-formed and declare no entity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from xml.parsers import expat

_TAG = re.compile(r"""<[^<>"']*(?:"[^"]*"|'[^']*'|[^<>"'])*>""")
_DECLARED = re.compile(r"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


@dataclass(frozen=True, slots=True)
class Element:
    """An element and where it stands, in letters from the beginning of the text."""

    #: As it is written, with its prefix.
    name: str
    parent: str
    attributes: dict[str, str]
    begin: int
    #: Where its first tag ends.
    opened: int
    #: Where its last tag begins; as `opened` where it has one alone.
    closing: int
    end: int

    @property
    def is_alone(self) -> bool:
        """Whether it is one tag, which closes itself."""
        return self.closing == self.opened == self.end

    @property
    def prefix(self) -> str:
        """What its name begins with, a colon at its end."""
        before, colon, _ = self.name.rpartition(":")
        return before + colon


def declared_encoding(data: bytes) -> str:
    """The encoding that XML says it has."""
    said = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf")[:200].decode("latin-1"))
    return said[1].lower() if said else "utf-8"


def elements(text: str) -> list[Element]:
    """All elements of an XML text, in the order in which they end."""
    found: list[Element] = []
    under_way: list[tuple[str, dict[str, str], int]] = []
    parser = expat.ParserCreate(encoding="utf-8")
    starts = _Letters(text)

    def begin(name: str, attributes: dict[str, str]) -> None:
        under_way.append((name, attributes, parser.CurrentByteIndex))

    def end(name: str) -> None:
        _, attributes, first = under_way.pop()
        opened = _end_of_tag(text, start := starts.at(first))
        last = starts.at(parser.CurrentByteIndex)
        is_alone = text.startswith("/>", opened - 2)
        parent = under_way[-1][0] if under_way else ""
        closing, ended = (opened, opened) if is_alone else (last, _end_of_tag(text, last))
        found.append(Element(name, parent, attributes, start, opened, closing, ended))

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.Parse(text.encode(), True)  # noqa: FBT003 - it is the last part
    return found


class _Letters:
    """Positions in letters of positions in the bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self._is_ascii = text.isascii()
        sizes = () if self._is_ascii else (len(char.encode()) for char in text)
        self._letters = {at: index for index, at in enumerate(accumulate(sizes, initial=0))}

    def at(self, position: int) -> int:
        """The number of letters before a byte at which one begins."""
        return position if self._is_ascii else self._letters[position]


def _end_of_tag(text: str, begin: int) -> int:
    found = _TAG.match(text, begin)
    assert found is not None, "a parser has taken the text"  # noqa: S101
    return found.end()
