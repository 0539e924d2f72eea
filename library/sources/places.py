"""Which song the entry of a playlist means, on whatever machine the playlist was written. Pure.

A path is tried as it stands, with Windows' dividers turned, and percent-decoded; from the list's
folder, from the root, and from the folders that the root is in. What is not found so may have been
written on another machine, or before a folder was moved: then the longest end of the path that only
one song has decides. At last artist and title do, by the rule of `library.same_song`.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes

from ..same_song import Catalogue, Named
from .lists import Entry
from .names import alike, escaped

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=/)|(file):", re.IGNORECASE)
#: Schemes of URLs that name a file, on this machine or in a network.
_OF_FILES = frozenset({"file", "smb", "cifs", "nfs", "afp"})
_DRIVE = re.compile(r"/?[A-Za-z][:|](?=/|$)")
#: A file's name that every second album has says nothing by itself.
_SAYS_LITTLE = re.compile(
    r"[\W\d_]*(?:audio ?|unknown )?(?:track|titel|piste|pista|song|cd|disc)?[\W\d_]*", re.IGNORECASE
)


class SongIndex:
    """Finds the song that a playlist's entry means, among a folder's songs."""

    def __init__(
        self,
        songs: Iterable[str],
        root: Path | None = None,
        former: Iterable[str] = (),
        *,
        named: Callable[[], Mapping[str, Named]] | None = None,
    ) -> None:
        """Without a root, whole paths and paths from it are found by their ends alone.

        `former` has names that songs had before: a list that was not changed has them still.
        `named` tells what songs are called, so that entries are found by that, too. It is asked for
        the first entry whose path leads nowhere.
        """
        self._told = named
        now, before = list(songs), list(former)
        self._exact = {*before, *now}
        # In this order, and so what there is now comes first.
        self._alike = {alike(song): song for song in (*before, *now)}
        #: Most files' names are those of one song: a list for each takes much of a large library.
        self._called: dict[str, str | list[str]] = {}
        for name in dict.fromkeys(map(alike, now)):
            last = name.rpartition("/")[2]
            before_it = self._called.setdefault(last, name)
            if isinstance(before_it, list):
                before_it.append(name)
            elif before_it is not name:
                self._called[last] = [before_it, name]
        paths = () if root is None else (root, os.path.realpath(root))
        self._roots = tuple(dict.fromkeys(escaped(Path(path).as_posix()) for path in paths))

    def __contains__(self, external_id: object) -> bool:
        """Whether there is a song of a name."""
        return external_id in self._exact

    def find(self, entry: Entry, at: PurePosixPath) -> str | None:
        """The external id for an entry of a playlist in the folder `at`, or None.

        It is always that of one of the songs: no entry leads out of the root. What has no path
        here is found by artist and title, if what songs are called is known.
        """
        song = self.find_place(entry, at)
        if song is not None or entry.named is None:
            return song
        names, catalogue = self._catalogue
        number = catalogue.find(entry.named)
        return None if number is None else names[number]

    @cached_property
    def _catalogue(self) -> tuple[list[str], Catalogue]:
        """What songs are called, and their names in the same order."""
        named = self._told() if self._told is not None else {}
        return list(named), Catalogue(named.values())

    def find_place(self, entry: Entry, at: PurePosixPath) -> str | None:
        """The same, by its path alone."""
        forms = [form for place in entry.places for form in _forms(place)]
        for form in forms:
            for candidate in self._candidates(form, at):
                if candidate in self._exact:
                    return candidate
                song = self._alike.get(alike(candidate))
                if song is not None:
                    return song
        return self._by_tail(forms)

    def _candidates(self, form: str, at: PurePosixPath) -> Iterator[str]:
        path = _DRIVE.sub("", form, count=1)
        for root in self._roots:
            bases = [root, *map(str, PurePosixPath(root).parents)]
            if path.startswith("/"):
                yield from _within(root, path)
            else:
                bases.insert(0, f"{root}/{at}")
            for base in bases:
                yield from _within(root, f"{base}/{path.lstrip('/')}")

    def _by_tail(self, forms: list[str]) -> str | None:
        """The song whose path has the longest common end with one of these, if it is one alone."""
        lengths: dict[str, int] = {}
        for form in forms:
            path = alike(_DRIVE.sub("", form, count=1))
            parts = [part for part in path.split("/") if part not in _NO_NAMES]
            called = self._called.get(parts[-1], []) if parts else []
            for name in [called] if isinstance(called, str) else called:
                length = _common_end(name.split("/"), parts)
                if length > 1 or not _says_little(parts[-1]):
                    lengths[name] = max(length, lengths.get(name, 0))
        longest = max(lengths.values(), default=0)
        best = [name for name, length in lengths.items() if length == longest]
        return self._alike[best[0]] if len(best) == 1 else None


_NO_NAMES = frozenset({"", ".", ".."})


def _forms(place: str) -> Iterator[str]:
    """The paths that a text may mean, the likeliest first."""
    url = _URL.match(place)
    if url is None:
        texts = [place, place.replace("\\", "/")]
        # A name may hold a percent sign: what stands there is tried before what it stands for.
        texts += [form for text in texts if "%" in text for form in _decoded(text)]
    elif (url[1] or url[2]).lower() in _OF_FILES:
        path = re.sub(r"^//[^/\\]*", "", place[url.end() :]).replace("\\", "/")
        texts = [*_decoded(path), path]
    else:
        return
    yield from dict.fromkeys(map(escaped, texts))


def _decoded(text: str) -> Iterator[str]:
    """A percent-encoded text, as UTF-8 and, where it is none, in the code page of the West."""
    raw = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    yield raw.decode("utf-8", "surrogateescape")
    try:
        raw.decode()
    except UnicodeDecodeError:
        yield raw.decode("cp1252", "surrogateescape")


def _within(root: str, path: str) -> Iterator[str]:
    """The path relative to the root, if it lies in the root."""
    whole = posixpath.normpath(path)
    # POSIX leaves two slashes at the beginning to the system; here they are one.
    whole = "/" + whole.lstrip("/")
    prefix = root.rstrip("/") + "/"
    if whole.startswith(prefix) and whole != prefix:
        yield whole.removeprefix(prefix)


def _common_end(one: list[str], other: list[str]) -> int:
    length = 0
    for mine, its in zip(reversed(one), reversed(other), strict=False):
        if mine != its:
            break
        length += 1
    return length


def _says_little(name: str) -> bool:
    return _SAYS_LITTLE.fullmatch(PurePosixPath(name).stem) is not None
