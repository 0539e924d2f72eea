"""Text that somebody else wrote, as it may be shown: it cannot hide or turn what stands around it.

Names of songs, folders and browsers may hold letters that have no shape of their own: some have
the text after them run from right to left, so that `gnp.exe` reads `exe.png`; some break a line, or
are not to be seen at all. Each is shown as its number. Names in Arabic or Hebrew are left as they
are: the pages isolate them, so that they turn nothing but themselves.
"""

from __future__ import annotations

import re

#: Control characters other than tab and line feed; those that embed, override or isolate a
#: direction; those that divide lines and paragraphs. `client/src/visible.ts` has the same.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """The text with its hidden letters as numbers, such as ``[U+202E]``."""
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def finalize(value: object) -> object:
    """What a template shows of a value: of every one, so that none is forgotten.

    Markup is the templates' own.
    """
    return visible(value) if type(value) is str and not value.isprintable() else value
