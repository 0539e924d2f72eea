"""The texts that bytes of an unknown encoding may be. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

#: The code pages of Windows, macOS and DOS, the commonest first. Where a file's names are found
#: under several of them equally often, the first is right.
ENCODINGS = (
    *("utf-8", "cp1252", "cp1251", "cp932", "gb18030", "cp1250", "cp1253", "cp1254", "cp949"),
    *("big5", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "euc_jp", "koi8-r"),
    *("mac_roman", "mac_cyrillic", "cp850", "cp437", "cp866", "iso8859-2", "latin-1"),
)

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def readings(data: bytes) -> Iterator[tuple[str, str]]:
    """Every encoding and text that the bytes may be, the likeliest first.

    One, where there is no doubt.

    The first keeps what is no UTF-8 as the file system does, by ``surrogateescape``.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            yield encoding, data[len(bom) :].decode(encoding, "replace")
            return
    yield "utf-8", data.decode("utf-8", "surrogateescape")
    if data.isascii():
        return
    for encoding in ENCODINGS[1:]:
        try:
            yield encoding, data.decode(encoding)
        except UnicodeDecodeError:
            continue


def is_text(text: str) -> bool:
    """Whether a text holds no byte that is of no letter."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def lines_of(text: str) -> list[str]:
    """The lines of a text, without blanks around them.

    Not by `str.splitlines`, which also divides at characters that names may hold.
    """
    return [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
