"""Where the elements of an XML text stand in it. Pure.

For texts that a reader has taken before: they are well-formed and declare no entity.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
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


def elements(text: str, names: Container[str]) -> list[Element]:
    """The elements of an XML text that have one of these names, in the order of their ends.

    Names are local ones, without their prefixes.
    """
    found: list[Element] = []
    under_way: list[tuple[str, dict[str, str], int]] = []
    parser = expat.ParserCreate(encoding="utf-8")
    data = text.encode()
    letters = _Letters(data)

    def begin(name: str, attributes: dict[str, str]) -> None:
        is_wanted = _local(name) in names
        at = letters.before(parser.CurrentByteIndex) if is_wanted else 0
        under_way.append((name, attributes, at))

    def end(name: str) -> None:
        _, attributes, start = under_way.pop()
        if _local(name) not in names:
            return
        opened = _end_of_tag(text, start)
        parent = under_way[-1][0] if under_way else ""
        closing = ended = opened
        if not text.startswith("/>", opened - 2):
            closing = letters.before(parser.CurrentByteIndex)
            ended = _end_of_tag(text, closing)
        found.append(Element(name, parent, attributes, start, opened, closing, ended))

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.Parse(data, True)  # noqa: FBT003 - it is the last part
    return found


class _Letters:
    """How many letters stand before a byte, asked for bytes that come one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._byte = self._letter = 0

    def before(self, byte: int) -> int:
        """The number of letters before a byte at which one begins."""
        self._letter += len(self._data[self._byte : byte].decode())
        self._byte = byte
        return self._letter


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _end_of_tag(text: str, begin: int) -> int:
    found = _TAG.match(text, begin)
    assert found is not None, "a parser has taken the text"  # noqa: S101
    return found.end()
