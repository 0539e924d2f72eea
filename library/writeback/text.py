"""A list's bytes as text that can be changed in places, all else being kept. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import NotWritable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a text at one place: what stands there goes, what is new comes."""

    #: Where, counted from the text's beginning as it was.
    at: int
    new: str
    #: What goes: only ever a number that counts the list's entries.
    old: str = ""


@dataclass(frozen=True, slots=True)
class ListText:
    """A list's text, and how it becomes the list's bytes again."""

    data: bytes
    bom: bytes
    encoding: str
    text: str

    @classmethod
    def of(cls, data: bytes, encoding: str) -> ListText:
        """The text of bytes in an encoding, or in that which their mark says.

        Raises:
            NotWritable: the bytes are not the text that they seem to be.
        """
        bom, encoding = next(
            ((mark, name) for mark, name in _BOMS if data.startswith(mark)), (b"", encoding)
        )
        errors = "surrogateescape" if encoding == "utf-8" else "strict"
        try:
            text = data[len(bom) :].decode(encoding, errors)
            is_same = text.encode(encoding, errors) == data[len(bom) :]
        except (UnicodeError, LookupError) as error:
            raise NotWritable(_DOUBTFUL) from error
        if not is_same:
            raise NotWritable(_DOUBTFUL)
        return cls(data, bom, encoding, text)

    def bytes_of(self, text: str) -> bytes:
        """A text in the list's encoding.

        Raises:
            UnicodeEncodeError: the encoding has no such letters.
        """
        errors = "surrogateescape" if self.encoding == "utf-8" else "strict"
        return text.encode(self.encoding, errors)

    def edited(self, edits: Sequence[Edit]) -> bytes:
        """The bytes with changes; those at the same place come in the order in which they stand."""
        parts, done = [self.bom], 0
        for edit in sorted(edits, key=lambda edit: edit.at):
            parts += [self.bytes_of(self.text[done : edit.at]), self.bytes_of(edit.new)]
            done = edit.at + len(edit.old)
        return b"".join((*parts, self.bytes_of(self.text[done:])))

    @property
    def line_end(self) -> str:
        """How the list ends its lines: as the most of them do."""
        crlf = self.text.count("\r\n")
        ends = {
            "\r\n": crlf,
            "\n": self.text.count("\n") - crlf,
            "\r": self.text.count("\r") - crlf,
        }
        best = max(ends, key=lambda end: ends[end])
        return best if ends[best] else "\n"


_DOUBTFUL = (
    "The list's bytes are not the text that they seem to be, so that nothing can be put in without "
    "changing what is there."
)
