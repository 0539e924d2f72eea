"""How much of an export is read, and how its texts are cut to size. Pure."""

from __future__ import annotations

import math
import re

from ...errors import UnreadableFile

#: The longest file that is taken, and all files of one export together.
MAX_FILE_BYTES = 64 * 1024 * 1024
#: What a zip may hold when it is unpacked, as far as it is read.
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_FILES = 500
MAX_TRACKS = 100_000
MAX_PLAYLISTS = 5_000
#: Places in all playlists together.
MAX_ENTRIES = 500_000
#: Longest title, artist, album and name.
MAX_TEXT = 300
#: Longest path of a file, in letters. PostgreSQL takes no longer name into an index.
MAX_PLACE = 600

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?")
#: A recording of a day is no song.
_MOST_SECONDS = 86_400.0


class TooLarge(UnreadableFile):
    """An export that holds more than Earmark reads."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"The export has more than {most:,} {what}: Earmark reads no larger one.")


def text_of(value: object, most: int = MAX_TEXT) -> str | None:
    """A text as it can be shown and stored; None where there is none."""
    if not isinstance(value, str):
        return None
    # JSON can hold halves of letters, which no database takes, as it takes no NUL.
    clean = value[: most * 2].encode("utf-8", "replace").decode().replace("\0", " ").strip()
    return clean[:most].rstrip() or None


def number_of(value: object) -> float | None:
    """A number, or one that stands in a text; None where there is none or no finite one."""
    if isinstance(value, str):
        said = _NUMBER.fullmatch(value.strip())
        return float(said[0]) if said else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def seconds_of(value: object, *, per_second: float = 1.0) -> float | None:
    """A duration in seconds; None where there is none, or one that no song has."""
    number = number_of(value)
    seconds = number / per_second if number is not None else 0.0
    return seconds if 0 < seconds <= _MOST_SECONDS else None


def year_of(value: object) -> int | None:
    """The year in a date of any form."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 1800 <= value <= 2099 else None
    found = _YEAR.search(value[:MAX_TEXT]) if isinstance(value, str) else None
    return int(found[1]) if found else None


def count_of(value: object) -> int | None:
    """A number of a track on its album."""
    number = number_of(value)
    return int(number) if number is not None and 1 <= number <= 9_999 else None
