"""What a file's name and its folders say of a song, for what its tags lack. Pure.

Nothing is taken for a number, an artist or an album unless it cannot well be anything else: a title
that begins with a number keeps it, and folders tell artist and album of numbered files alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Told:
    """What a name says; None for what it does not say."""

    title: str
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    track_number: int | None = None
    #: What the folders say, whatever the file's name does.
    folder_artist: str | None = None


#: "01-03 - ", "1-03 ": a disc and a number on it.
_ON_DISC = re.compile(r"(?:[01]?\d)-(\d\d)(?:\s*[-–.)_]\s*|\s+)(?=[^\d\s])")
#: "07. ", "7) ", "07 - ", "07_": a number, whatever follows.
_NUMBER = re.compile(r"(\d{1,3})(?:\s+[-–]\s+|\s*[.)\]]\s*)(?=[^\d\s])")
#: "07 Rain", "07-rain": a number because of its zero.
_PADDED = re.compile(r"(0\d{1,2})[\s_-]+(?=[^\d\s])")
#: "12 Rain" and "7 rings": a number only where its neighbours have one, too.
_MAYBE = re.compile(r"(\d{1,3})[\s_-]+(?=[^\d\s])")
#: So many files of a folder, and this share of them, begin with a number of their own where all
#: are numbered.
_NUMBERED_FILES = 3
_NUMBERED_SHARE = 0.7

_DIVIDER = re.compile(r"\s+[-–]\s+")
_DISC_FOLDER = re.compile(r"(?:cd|dis[ck]|disque|disco)\W*\d{0,2}", re.IGNORECASE)
#: Folders that are called so hold songs of many.
_NOBODY = frozenset(
    (
        *("various artists", "various", "va", "v.a.", "compilations", "soundtracks"),
        *("unknown artist", "music", "mp3", "flac", "downloads", "albums", "artists", "singles"),
        *("misc", "unsorted"),
    )
)
_YEAR = r"(1[89]\d\d|20\d\d)"
_DATED_ALBUM = (
    re.compile(rf"[(\[]{_YEAR}[)\]]\s*(?:[-–]\s*)?(?P<album>.+)"),
    re.compile(rf"{_YEAR}\s+[-–]\s+(?P<album>.+)"),
    re.compile(rf"(?P<album>.+?)\s*[(\[]{_YEAR}[)\]]"),
)


def told_by_name(external_id: str, siblings: Collection[str] = ()) -> Told:
    """What a song's name says, among the names of the files that lie beside it."""
    path = PurePosixPath(external_id)
    number, name = _numbered(path.stem, siblings)
    parts = [part for part in (p.strip() for p in _DIVIDER.split(name)) if part]
    middle = [at for at, part in enumerate(parts[1:-1], 1) if re.fullmatch(r"\d{1,3}", part)]
    album = None
    if number is None and middle:
        at = middle[0]
        number, album = int(parts[at]), parts[1] if at > 1 else None
        parts = [parts[0], *parts[at + 1 :]]
    artist, title = (parts[0], " - ".join(parts[1:])) if len(parts) > 1 else (None, name)
    if number is None:
        return Told(title, artist)
    folder_artist, folder_album, year = _told_by_folders(path.parent.parts)
    return Told(title, artist or folder_artist, album or folder_album, year, number, folder_artist)


def _numbered(stem: str, siblings: Collection[str]) -> tuple[int | None, str]:
    """The number that a name begins with, and the rest of it."""
    for pattern in (_ON_DISC, _NUMBER, _PADDED):
        if found := pattern.match(stem):
            return int(found[1]), _spaced(stem[found.end() :])
    found = _MAYBE.match(stem)
    if found and _are_numbered(siblings):
        return int(found[1]), _spaced(stem[found.end() :])
    return None, _spaced(stem)


def _are_numbered(siblings: Collection[str]) -> bool:
    stems = [PurePosixPath(name).stem for name in siblings]
    begun = [re.match(r"(\d{1,3})(?!\d)", stem) for stem in stems]
    numbers = {int(found[1]) for found in begun if found}
    return len(numbers) >= _NUMBERED_FILES and len(numbers) >= _NUMBERED_SHARE * len(stems)


def _spaced(name: str) -> str:
    # Where a name has spaces, an underscore stands for something else.
    spaced = name if " " in name else name.replace("_", " ")
    return spaced.strip() or name


def _told_by_folders(folders: tuple[str, ...]) -> tuple[str | None, str | None, int | None]:
    """Artist, album and year after the folders that a numbered file lies in."""
    kept = [name for name in folders if not _DISC_FOLDER.fullmatch(name)]
    if not kept:
        return None, None, None
    album, year = _dated(_spaced(kept[-1]))
    named, divider, rest = album.partition(" - ")
    above = _spaced(kept[-2]) if len(kept) > 1 else None
    if divider and (above is None or named.strip().casefold() == above.casefold()):
        again, year_again = _dated(rest.strip())
        return named.strip(), again, year or year_again
    if above is None or _is_nobody(above):
        return None, (None if _is_nobody(album) else album) if above else None, year
    return above, album, year


def _dated(name: str) -> tuple[str, int | None]:
    for pattern in _DATED_ALBUM:
        if found := pattern.fullmatch(name):
            year = next(group for group in found.groups() if re.fullmatch(_YEAR, group or ""))
            return found["album"].strip(), int(year)
    return name, None


def _is_nobody(name: str) -> bool:
    return name.casefold() in _NOBODY
