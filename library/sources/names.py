r"""Names of files: as a database takes them, as people see them, and which of them are alike. Pure.

An external id is a path relative to the root, with ``/`` between folders. Bytes that are no UTF-8
stand in it as ``\xNN``, and a backslash as two.
"""

from __future__ import annotations

import re
import unicodedata


def escaped(name: str) -> str:
    """A file's name without what no database takes: undecodable bytes, as Python has them."""
    return "".join(
        f"\\x{ord(char) - 0xDC00:02x}" if 0xDC80 <= ord(char) <= 0xDCFF else char
        for char in name.replace("\\", "\\\\")
    )


def unescaped(external_id: str) -> str:
    """The file's name of an external id."""
    return re.sub(
        r"\\(\\|x[0-9a-f]{2})",
        lambda match: "\\" if match[1] == "\\" else chr(0xDC00 + int(match[1][1:], 16)),
        external_id,
    )


def alike(name: str) -> str:
    """Names that differ only in case or in how accents are composed are the same file."""
    return unicodedata.normalize("NFC", name).casefold()


def text_of(name: str) -> str:
    """A text that may hold undecodable bytes or NUL, as it can be shown and stored."""
    return (
        name.replace("\0", "\ufffd").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    )
