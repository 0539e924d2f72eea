"""Which of a library's songs a song of another list is: the rule by which two are the same. Pure.

1. The same ISRC, or the same recording at MusicBrainz: these name a recording.
2. The same path from its folder on, where title or artist agrees: the file itself, moved elsewhere.
3. The same title and artist as people write them, and lengths that differ by `TOLERANCE_SECONDS` at
   most where both are known. A live version has another length, and so has an edit.

Where several are found so, those on the same album count alone. Of these the nearest in length is
taken, where lengths are known: the same recording stands on a best-of, too. Without lengths, and on
several albums, it is none of them: a live album has the titles of the studio's.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from .sources.names import alike

#: Players round, encoders add silence, and services count it: the same recording differs by less.
TOLERANCE_SECONDS = 4.0
#: A path says which file is meant by the folder that it lies in, and its name.
_LEAST_PARTS = 2

_BRACKETS = r"[(\[]{}[)\]]"
_GUESTS = r"(?:feat\.?|ft\.?|featuring)\s[^()\[\]]*"
#: What says that the recording is the same, in another edition.
_EDITION = (
    r"(?:(?:19|20)\d\d\s*(?:-\s*)?)?(?:digital(?:ly)?\s+)?remaster(?:ed)?(?:\s+(?:version|\d{4}))?"
    r"|album version|explicit|bonus track"
)
_SAYS_NOTHING = re.compile(
    rf"\s*{_BRACKETS.format(_GUESTS)}|\s+{_GUESTS}$"
    rf"|\s*{_BRACKETS.format(f'(?:{_EDITION})')}|\s+[-–]\s+(?:{_EDITION})$",
    re.IGNORECASE,
)
#: Without one of these, all of a title says something.
_MAY_SAY_NOTHING = re.compile(r"[(\[\u2013-]|\bf(?:ea)?t", re.IGNORECASE)
#: Between the artists of one text.
_BETWEEN = re.compile(r"\s*[,;]\s+|\s+/\s+|\s+&\s+|\s*[(\[]?\b(?:feat\.?|ft\.|featuring)\s+", re.I)
_THE = re.compile(r"^the\s+(?=\S)|,\s*the$", re.IGNORECASE)
_SILENT = re.compile(r"['’`\u00b4.]")
_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Named:
    """A song as a list or a library names it."""

    title: str
    #: As it is shown.
    artist: str | None = None
    #: Each by itself, where that is known.
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_seconds: float | None = None
    isrc: str | None = None
    recording_mbid: str | None = None
    #: The path or URL of its file, on whatever machine.
    place: str | None = None


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """A text as it is compared: without case, accents and marks."""
    kept = text.casefold().replace("&", " and ")
    if not kept.isascii():
        parts = unicodedata.normalize("NFKD", kept)
        kept = "".join(letter for letter in parts if not unicodedata.combining(letter))
    words = _NO_WORD.sub(" ", _SILENT.sub("", kept)).strip()
    # Some names have no letters at all.
    return words or text.strip()


@lru_cache(maxsize=20_000)
def plain_title(title: str) -> str:
    """A title as it is compared: without guests, and without what names the edition alone."""
    if not _MAY_SAY_NOTHING.search(title):
        return plain(title)
    return plain(_SAYS_NOTHING.sub("", title)) or plain(title)


def _artist_keys(song: Named) -> Iterator[str]:
    """The artist as a whole, then each by itself.

    Of one text that may name several the first alone: what follows may be the rest of a name.
    """
    if song.artist:
        yield _plain_artist(song.artist)
    for name in song.artists or _BETWEEN.split(song.artist or "", maxsplit=1)[:1]:
        if name.strip():
            yield _plain_artist(name)


@lru_cache(maxsize=20_000)
def _plain_artist(name: str) -> str:
    return plain(_THE.sub("", name.strip()))


class Catalogue:
    """Songs among which others are looked for. Those that are given first are taken first."""

    def __init__(self, songs: Iterable[Named] = ()) -> None:
        self._songs: list[Named] = []
        self._by_id: defaultdict[str, list[int]] = defaultdict(list)
        self._by_name: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        #: Made when the first path is looked for: most lists have none.
        self._by_file: defaultdict[str, list[int]] | None = None
        for song in songs:
            self.add(song)

    def add(self, song: Named) -> None:
        """Have one more song, with the number of songs before it as its own number."""
        at = len(self._songs)
        self._songs.append(song)
        for key in _ids(song):
            self._by_id[key].append(at)
        title = plain_title(song.title)
        for artist in dict.fromkeys(_artist_keys(song)):
            self._by_name[artist, title].append(at)
        if self._by_file is not None:
            self._add_file(self._by_file, at)

    def _add_file(self, by_file: defaultdict[str, list[int]], at: int) -> None:
        parts = _parts(self._songs[at].place)
        if len(parts) >= _LEAST_PARTS:
            by_file[parts[-1]].append(at)

    def find(self, song: Named) -> int | None:
        """The number of the song that is this one, or None."""
        for found in self._ways(song):
            if found:
                return self._one_of(song, found)
        return None

    def _ways(self, song: Named) -> Iterator[list[int]]:
        """What each step of the rule finds, the surest first."""
        for key in _ids(song):
            yield self._by_id.get(key, [])
        yield self._by_path(song)
        title = plain_title(song.title)
        for artist in dict.fromkeys(_artist_keys(song)):
            same = self._by_name.get((artist, title), [])
            yield [at for at in same if _may_last(song, self._songs[at])]

    def _by_path(self, song: Named) -> list[int]:
        parts = _parts(song.place)
        if len(parts) < _LEAST_PARTS:
            return []
        if self._by_file is None:
            self._by_file = defaultdict(list)
            for at in range(len(self._songs)):
                self._add_file(self._by_file, at)
        lengths = {
            at: _common_end(parts, _parts(self._songs[at].place))
            for at in self._by_file.get(parts[-1], ())
            if _agree(song, self._songs[at])
        }
        longest = max(lengths.values(), default=0)
        best = [at for at, length in lengths.items() if length == longest]
        return best if longest >= _LEAST_PARTS and len(best) == 1 else []

    def _one_of(self, song: Named, found: Sequence[int]) -> int | None:
        on_album = [at for at in found if _same_album(song, self._songs[at])]
        left = on_album or list(found)
        gaps = [_gap(song, self._songs[at]) for at in left]
        known = [gap for gap in gaps if gap is not None]
        if len(known) == len(left):
            return left[gaps.index(min(known))]
        albums = {plain(self._songs[at].album or "") for at in left}
        # Copies of one: which of them it is makes no difference.
        return left[0] if len(albums) == 1 else None


def _ids(song: Named) -> Iterator[str]:
    if song.isrc:
        yield f"isrc {song.isrc}"
    if song.recording_mbid:
        yield f"mbid {song.recording_mbid}"


def _gap(one: Named, other: Named) -> float | None:
    if one.duration_seconds is None or other.duration_seconds is None:
        return None
    return abs(one.duration_seconds - other.duration_seconds)


def _may_last(one: Named, other: Named) -> bool:
    gap = _gap(one, other)
    return gap is None or gap <= TOLERANCE_SECONDS


def _same_album(one: Named, other: Named) -> bool:
    if one.album is None or other.album is None:
        return False
    return plain_title(one.album) == plain_title(other.album)


def _agree(one: Named, other: Named) -> bool:
    """Whether title or artist is the same, and the length may be."""
    if not _may_last(one, other):
        return False
    is_called_so = plain_title(one.title) == plain_title(other.title)
    return is_called_so or not set(_artist_keys(one)).isdisjoint(_artist_keys(other))


def _parts(place: str | None) -> list[str]:
    """A path or URL of a file, part by part, as names of files are compared."""
    if not place:
        return []
    is_url = place[:5].casefold() == "file:"
    path = unquote(place[5:]) if is_url else place
    return [part for part in alike(path.replace("\\", "/")).split("/") if part]


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for mine, its in zip(reversed(one), reversed(other), strict=False):
        if mine != its:
            break
        length += 1
    return length
