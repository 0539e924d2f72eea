"""Ratings in tags, which every program writes in its own way, as stars. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

#: ID3's POPM has 0 to 255. The least byte of 1, 2, 3, 4 and 5 stars, as Windows and others read it.
_POPM_STARS = (1, 32, 96, 160, 224)
#: What Windows Media Player writes for 1 to 5 stars is 1, 25, 50, 75 and 99.
_WMA_STARS = (1, 13, 38, 63, 88)
#: freedesktop.org's metadata: 0 to 1, in ID3, Vorbis, MP4 and ASF.
_FMPS = ("txxx:fmps_rating", "fmps_rating", "----:com.apple.itunes:fmps_rating", "fmps/rating")
MOST_STARS = 5.0


def stars_of(values: Mapping[str, Any]) -> float | None:
    """The stars of a song, 0 to 5, from tags by names in small letters; None where it has none."""
    for key in _FMPS:
        if (number := _number(values.get(key))) is not None:
            return _bounded(number * MOST_STARS)
    by_people = [found for key, value in values.items() if (found := _of_person(key, value))]
    if by_people:
        return max(by_people)
    if number := _number(values.get("wm/shareduserrating")):
        return float(bisect_right(_WMA_STARS, number))
    if number := _number(values.get("rate")):
        return _bounded(number / 20)
    if number := _number(values.get("rating")):
        # The number counts up to 100, to 5, or to 1.
        return _bounded(number / 20 if number > MOST_STARS else number * (5 if number < 1 else 1))
    return None


def _of_person(key: str, value: Any) -> float | None:
    """Stars that a tag gives together with who gave them. None is none, and no star is not said."""
    if key.startswith("popm"):
        return float(bisect_right(_POPM_STARS, value.rating)) or None
    if key.startswith("rating:") and (number := _number(value)):
        return _bounded(number * MOST_STARS)
    return None


def _number(value: Any) -> float | None:
    found = getattr(value, "text", value)
    while isinstance(found, list):
        found = found[0] if found else None
    found = getattr(found, "value", found)
    try:
        number = float(found.decode() if isinstance(found, bytes) else str(found))
    except (ValueError, UnicodeDecodeError):
        return None
    return number if 0 <= number <= 255 else None


def _bounded(stars: float) -> float:
    return min(MOST_STARS, stars)
