"""The path of the page to show after signing in."""

from __future__ import annotations

import re

#: A path of this site. Not `//host`, and not `/\\host`, which browsers take for the same; and
#: nothing that they leave out of an address, such as a tab, which would turn `/<tab>/` into it.
_OWN = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def own_path(wanted: str | None, *, otherwise: str) -> str:
    """The path that a request names, if it is one of this site."""
    return wanted if wanted and _OWN.fullmatch(wanted) else otherwise
