"""The tags of an audio file, whatever its format calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen

from ..errors import UnreadableFile

#: ID3 frames by the names that mutagen's easy interface has for the other formats. WAV and
#: AIFF files hold ID3 without that interface.
_ID3_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "albumartist": "TPE2",
    "genre": "TCON",
    "date": "TDRC",
    "tracknumber": "TRCK",
}
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
MAX_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself; None for what it does not say."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    year: int | None = None
    track_number: int | None = None
    duration_seconds: float | None = None


def read_tags(path: Path) -> Tags:
    """The tags of a file.

    Raises:
        UnreadableFile: it is no audio file, or damaged, or may not be read.
    """
    try:
        file = mutagen.File(path, easy=True)
    except PermissionError as error:
        raise UnreadableFile("The file cannot be opened: permission denied.") from error
    except Exception as error:  # mutagen lets errors of every kind through on damaged files
        raise UnreadableFile("The file is damaged or is not what its name says.") from error
    if file is None:
        raise UnreadableFile("The file is not audio that Earmark can read.")
    values: Mapping[str, Any] = file.tags or {}
    return Tags(
        title=_first(values, "title"),
        artist=_first(values, "artist"),
        album=_first(values, "album"),
        album_artist=_first(values, "albumartist"),
        genre=_first(values, "genre"),
        year=_year(_first(values, "date")),
        track_number=_number(_first(values, "tracknumber")),
        duration_seconds=_duration(file),
    )


def _first(values: Mapping[str, Any], name: str) -> str | None:
    """The first value that says anything: empty ones and lists of several occur."""
    for key in (name, _ID3_FRAMES[name]):
        try:
            found = values.get(key)
        except (KeyError, ValueError):
            continue
        texts = getattr(found, "text", found)
        for text in texts if isinstance(texts, list) else [texts] if texts else []:
            clean = str(text).replace("\0", " ").strip()
            if clean:
                return clean[:MAX_LENGTH].encode("utf-8", "replace").decode()
    return None


def _year(text: str | None) -> int | None:
    match = _YEAR.search(text) if text else None
    return int(match[1]) if match else None


def _number(text: str | None) -> int | None:
    match = re.match(r"\d{1,4}", text) if text else None
    return int(match[0]) if match else None


def _duration(file: Any) -> float | None:
    length = getattr(file.info, "length", None)
    return float(length) if length and length > 0 else None
