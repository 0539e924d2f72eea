"""The tags of an audio file, whatever its format calls them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import mutagen
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3, UFID
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggvorbis import OggVorbis

from ..errors import UnreadableFile
from .bounded import BoundedFile, TooMuchToRead, small_tags
from .mending import is_doubtful, mended
from .ratings import stars_of
from .recordings import isrc_of, mbid_of

_ITUNES = "----:com.apple.itunes:"
#: What each format calls a thing, in small letters, the best first. Names of ID3 have four
#: letters, those of Vorbis and APE are words, those of MP4 begin with © or dashes, of ASF with WM.
_KEYS = {
    "title": ("tit2", "title", "©nam"),
    "artist": ("tpe1", "artist", "©art", "author"),
    "artists": ("txxx:artists", "artists", f"{_ITUNES}artists", "wm/artists"),
    "album": ("talb", "album", "©alb", "wm/albumtitle"),
    "album_artist": (
        *("tpe2", "albumartist", "album artist", "album_artist", "aart", "wm/albumartist"),
        *("txxx:album artist", "txxx:albumartist"),
    ),
    "genre": ("tcon", "genre", "©gen", "wm/genre"),
    # When it was first published: a compilation's date says nothing of its songs.
    "original": (
        *("tdor", "txxx:originaldate", "txxx:originalyear", "txxx:original year"),
        *("originaldate", "originalyear", "original year", "original_year"),
        *(f"{_ITUNES}originaldate", f"{_ITUNES}originalyear", f"{_ITUNES}original year"),
        *("wm/originalreleasetime", "wm/originalreleaseyear"),
    ),
    "date": ("tdrc", "tdrl", "date", "year", "©day", "wm/year"),
    "track": ("trck", "tracknumber", "track", "trkn", "wm/tracknumber"),
    "isrc": ("tsrc", "isrc", f"{_ITUNES}isrc", "wm/isrc"),
    "recording": (
        *("ufid:http://musicbrainz.org", "musicbrainz_trackid", "musicbrainz/track id"),
        f"{_ITUNES}musicbrainz track id",
    ),
}
#: Formats by the endings of names, and what stands where at the beginning of such files.
_LIKELY: dict[str, tuple[Any, int, bytes]] = {
    "mp3": (MP3, 0, b"ID3"),
    "flac": (FLAC, 0, b"fLaC"),
    "m4a": (MP4, 4, b"ftyp"),
    "ogg": (OggVorbis, 28, b"\x01vorbis"),
}
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
#: Between the artists of one text. A slash or an "and" without more may be part of a name.
_BETWEEN = re.compile(r"\s*[;\0]\s*|\s+/\s+|\s*[\s(\[](?:feat\.?|ft\.|featuring)\s+", re.IGNORECASE)
MAX_LENGTH = 300
#: More artists are a list of everybody on the album.
MAX_ARTISTS = 12


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself; None for what it does not say."""

    title: str | None = None
    #: As it is shown: several are divided by commas.
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    #: The year of the first publication, if the tags say that.
    year: int | None = None
    track_number: int | None = None
    duration_seconds: float | None = None
    #: Each by itself.
    artists: tuple[str, ...] = ()
    #: 0 to 5.
    rating_stars: float | None = None
    #: The recording's ids: ISRC, and MusicBrainz's.
    isrc: str | None = None
    recording_mbid: str | None = None
    #: The texts that were read as Latin-1, and may be in another encoding.
    doubtful: frozenset[str] = frozenset()

    def mended(self, encoding: str | None) -> Tags:
        """The same, with what is doubtful read in another encoding."""

        def mend(text: str | None) -> str | None:
            return mended(text, encoding) if text in self.doubtful else text

        return replace(
            self,
            title=mend(self.title),
            artist=mend(self.artist),
            album=mend(self.album),
            album_artist=mend(self.album_artist),
            genre=mend(self.genre),
            artists=tuple(mend(name) or name for name in self.artists),
            doubtful=frozenset(),
        )


def read_tags(path: Path) -> Tags:
    """The tags of a file. No picture of many megabytes is read for them.

    Raises:
        UnreadableFile: it is no audio file, or damaged, or may not be read.
    """
    with opened(path) as file:
        return tags_of(file, path.name)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """An audio file that is read in this block.

    Raises:
        UnreadableFile: it may not be read, or an error of reading came up in the block.
    """
    try:
        # Who opens a pipe waits for its other end: a song may have become one since it was listed.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableFile("It is no file any more.")
            yield file
    except PermissionError as error:
        raise UnreadableFile("The file cannot be opened: permission denied.") from error
    except OSError as error:
        raise UnreadableFile(f"The file cannot be opened: {error.strerror}.") from error


def tags_of(file: BinaryIO, name: str) -> Tags:
    """The tags of an open file of a name, whose ending helps to tell its format.

    Raises:
        UnreadableFile: it is no audio file, or damaged.
    """
    try:
        return _read(BoundedFile(file, name))
    except (UnreadableFile, PermissionError):
        raise
    except Exception as error:  # mutagen lets errors of every kind through on damaged files
        raise UnreadableFile("The file is damaged or is not what its name says.") from error


def _read(bounded: BoundedFile) -> Tags:
    try:
        file = mutagen.File(bounded, _likely_kinds(bounded))
    except Exception:
        if not bounded.has_refused:
            raise
        # A picture, or something else, that is too large: the text before it is read all the same.
        return _of(_Values([small_tags(bounded)]), None)
    if file is None:
        raise UnreadableFile("The file is not audio that Earmark can read.")
    return _of(_Values(_tags_of(file, bounded)), getattr(file.info, "length", None))


def _likely_kinds(bounded: BoundedFile) -> list[Any] | None:
    """The one format of a file whose name and beginning agree; None: all have to be tried."""
    head = bounded.read(36)
    bounded.seek(0)
    kind, at, magic = _LIKELY.get(bounded.name.rpartition(".")[2].lower(), (None, 0, b""))
    return [kind] if kind is not None and head.startswith(magic, at) else None


def _tags_of(file: Any, bounded: BoundedFile) -> list[Any]:
    """The file's tags, the best first."""
    found = [file.tags] if file.tags is not None else []
    if isinstance(file, MP3) or not found:
        # The ID3 tags of an MP3 are read already.
        extra = _first_of((APEv2,) if isinstance(file, MP3) else (APEv2, ID3), bounded)
        is_old = bool(found) and found[0].version[0] == 1 if isinstance(file, MP3) else False
        # ID3v1 has room for 30 letters: whatever else is there says more.
        found = [*extra, *found] if is_old else [*found, *extra]
    return found


def _first_of(kinds: tuple[Any, ...], bounded: BoundedFile) -> list[Any]:
    for kind in kinds:
        bounded.seek(0)
        try:
            return [kind(bounded)]
        except (mutagen.MutagenError, TooMuchToRead):
            continue
    return []


class _Values:
    """All values of a file's tags, by names in small letters."""

    def __init__(self, tags: list[Any]) -> None:
        self.doubtful: set[str] = set()
        self._parts = [
            {key.casefold(): part[key] for key in part.keys()}  # noqa: SIM118 - some iterate otherwise
            for part in tags
        ]

    def all(self, name: str) -> list[str]:
        """The values of the first key that says anything."""
        for value in (part.get(key) for part in self._parts for key in _KEYS[name]):
            found = [clean for text in _texts(value) if (clean := _clean(text))]
            if not found:
                continue
            if getattr(value, "encoding", None) == 0:
                self.doubtful.update(filter(is_doubtful, found))
            return found
        return []

    def stars(self) -> float | None:
        """How many stars the song has."""
        found = (stars for part in self._parts if (stars := stars_of(part)) is not None)
        return next(found, None)

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


def _of(values: _Values, length: float | None) -> Tags:
    said = values.all("artist")
    artists = values.all("artists") or said
    names = dict.fromkeys(
        name for text in artists for part in _BETWEEN.split(text) if (name := part.strip(" )]"))
    )
    tags = Tags(
        title=values.first("title"),
        artist=", ".join(said)[:MAX_LENGTH] or None,
        album=values.first("album"),
        album_artist=values.first("album_artist"),
        genre=values.first("genre"),
        year=_year(values.first("original")) or _year(values.first("date")),
        track_number=_number(values.first("track")),
        duration_seconds=float(length) if length and length > 0 else None,
        artists=tuple(names)[:MAX_ARTISTS],
        rating_stars=values.stars(),
        isrc=next(filter(None, map(isrc_of, values.all("isrc"))), None),
        recording_mbid=next(filter(None, map(mbid_of, values.all("recording"))), None),
    )
    # A part of a text is as doubtful as the whole.
    parts = filter(is_doubtful, (tags.artist or "", *names)) if values.doubtful else ()
    return replace(tags, doubtful=frozenset((*values.doubtful, *parts)))


def _texts(value: Any) -> Iterator[str]:
    """The texts of a value, of which every format makes something else."""
    if isinstance(value, UFID):
        data: bytes = getattr(value, "data", b"")
        yield data.decode("ascii", "replace")
        return
    found = getattr(value, "genres", None) or getattr(value, "text", value)
    if found is None or isinstance(found, bytes):
        return
    for item in [found] if isinstance(found, str) else _items(found):
        plain = getattr(item, "value", item)
        if isinstance(plain, tuple):
            plain = plain[0] if plain else ""
        yield plain.decode("utf-8", "replace") if isinstance(plain, bytes) else str(plain)


def _items(found: Any) -> list[Any]:
    try:
        return list(found)
    except TypeError:
        return [found]


def _clean(text: str) -> str:
    clean = text.replace("\0", " ").strip()
    return clean[:MAX_LENGTH].encode("utf-8", "replace").decode()


def _year(text: str | None) -> int | None:
    match = _YEAR.search(text) if text else None
    return int(match[1]) if match else None


def _number(text: str | None) -> int | None:
    match = re.match(r"\d{1,4}", text) if text else None
    return int(match[0]) if match else None
