"""The ids by which the world names a recording, whatever it is called. Pure."""

from __future__ import annotations

import re

#: International Standard Recording Code (ISO 3901), without dashes.
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def isrc_of(value: object) -> str | None:
    """An ISRC, however it is written; None where it is none."""
    plain = re.sub(r"[\s-]", "", value[:40]).upper() if isinstance(value, str) else ""
    return plain if _ISRC.fullmatch(plain) else None


def mbid_of(value: object) -> str | None:
    """An id of MusicBrainz, alone or at the end of an address; None where it is none."""
    plain = value[-100:].strip().rstrip("/")[-36:].lower() if isinstance(value, str) else ""
    return plain if _UUID.fullmatch(plain) else None
