"""How much of a library is missing at once, and when that is too much to be believed. Pure.

An unmounted disk is an empty folder, and another disk may be mounted in its place: neither says
that anything is gone. So a sync that misses too much removes nothing and asks the person.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from .sources.contents import top_folder

#: A sync asks the person where at least this many songs, and more than `LARGE_SHARE` of a folder
#: or of all, are missing. People delete an album, a few at once, or two songs of three. What goes
#: without a question can still come back: its rows are kept for a while.
MANY = 50
LARGE_SHARE = 0.5
#: A sync asks about this many missing songs whatever their share: where one disk of a pool of
#: several is away, a little is missing in every folder.
VERY_MANY = 1_000
#: A sync asks where nothing is left of at least this many songs of a folder that is still there,
#: of this many playlists, or of this many liked songs.
FEW = 5

#: A page shows at most this many folders of a loss, and examples of each: it has to fit a row.
_FOLDERS_SHOWN = 8
_EXAMPLES_SHOWN = 3
_LETTERS_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Known:
    """What a source had at its last sync, as external ids."""

    songs: Collection[str] = ()
    #: The lists of liked songs among them.
    playlists: Collection[str] = ()
    #: How many liked songs each list names.
    liked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """The number of missing things, beside the number of all that were known."""

    missing: int
    known: int

    @property
    def is_large(self) -> bool:
        """Whether it is more than a person takes away by hand."""
        is_most = self.missing >= MANY and self.missing > LARGE_SHARE * self.known
        return is_most or self.missing >= VERY_MANY

    @property
    def is_all(self) -> bool:
        """Whether nothing is left of what was more than a few."""
        return self.missing == self.known and self.missing >= FEW


@dataclass(frozen=True, slots=True)
class FolderLoss:
    """The missing songs of one folder in the root; `name` is empty for the root's own files."""

    name: str
    share: Share
    #: Named from the folder on.
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """What a sync misses. Nothing is removed yet."""

    missing_songs: tuple[str, ...]
    missing_playlists: tuple[str, ...]
    songs: Share
    playlists: Share
    liked: Share
    #: The largest first; those of which nothing is missing left out.
    folders: tuple[FolderLoss, ...]
    #: Names exactly this loss of exactly this source.
    key: str
    #: Whether it is more than can be believed.
    is_too_much: bool

    def sentence(self, where: str) -> str:
        """What is missing, for the person."""
        parts = [_share_of(self.songs, "song"), _share_of(self.playlists, "playlist")]
        missing = " and ".join(part for part in parts if part)
        return (
            f"{where} lacks {missing} that it had before. Nothing was removed. "
            "If they are on a disk that is not connected, connect it and try again."
        )

    def as_json(self) -> dict[str, Any]:
        """What a page shows of it, small enough for a job's row."""
        return {
            "key": self.key,
            "songs": _numbers(self.songs),
            "playlists": _numbers(self.playlists),
            "liked": _numbers(self.liked),
            "folders": [
                {"name": _cut(f.name), **_numbers(f.share), "examples": [*map(_cut, f.examples)]}
                for f in self.folders[:_FOLDERS_SHOWN]
            ],
            "moreFolders": max(0, len(self.folders) - _FOLDERS_SHOWN),
            "playlistExamples": [*map(_cut, self.missing_playlists[:_EXAMPLES_SHOWN])],
        }


def assess(
    known: Known,
    *,
    missing_songs: Sequence[str],
    missing_playlists: Sequence[str],
    top_folders: Collection[str],
    source_id: UUID,
    is_expected: bool = False,
) -> Loss:
    """The loss of these songs and playlists, where `top_folders` are still there.

    One that `is_expected`, since the person has chosen another folder, is believed.
    """
    songs = Share(len(missing_songs), len(known.songs))
    playlists = Share(len(missing_playlists), len(known.playlists))
    unsaid = sum(known.liked.get(name, 0) for name in missing_playlists)
    liked = Share(unsaid, sum(known.liked.values()))
    folders = _folders(known.songs, missing_songs)
    is_too_much = not is_expected and (
        0 < songs.known == songs.missing
        or songs.is_large
        or any(share.is_large or share.is_all for share in (playlists, liked))
        or any(_is_doubtful(folder, top_folders) for folder in folders)
    )
    return Loss(
        tuple(missing_songs),
        tuple(missing_playlists),
        songs,
        playlists,
        liked,
        folders,
        _key(source_id, missing_songs, missing_playlists),
        is_too_much,
    )


def _is_doubtful(folder: FolderLoss, top_folders: Collection[str]) -> bool:
    # A folder that a person deletes is gone with its songs. One that is still there, and empty, is
    # what an unmounted disk leaves behind.
    return folder.share.is_large or (folder.name in top_folders and folder.share.is_all)


def _folders(known: Collection[str], missing: Sequence[str]) -> tuple[FolderLoss, ...]:
    sizes = Counter(map(top_folder, known))
    lost: defaultdict[str, list[str]] = defaultdict(list)
    for name in missing:
        folder = top_folder(name)
        lost[folder].append(name[len(folder) + 1 :] if folder else name)
    found = [
        FolderLoss(name, Share(len(names), sizes[name]), tuple(names[:_EXAMPLES_SHOWN]))
        for name, names in lost.items()
    ]
    return tuple(sorted(found, key=lambda folder: (-folder.share.missing, folder.name)))


def _key(source_id: UUID, *parts: Sequence[str]) -> str:
    digest = hashlib.sha256(source_id.bytes)
    for part in parts:
        # No name holds a NUL, and no part is taken for the end of the one before.
        digest.update("\0".join((str(len(part)), *sorted(part), "")).encode())
    return digest.hexdigest()


def _share_of(share: Share, noun: str) -> str:
    if not share.missing:
        return ""
    return f"{share.missing:,} of {share.known:,} {noun}{'' if share.known == 1 else 's'}"


def _numbers(share: Share) -> dict[str, int]:
    return {"missing": share.missing, "known": share.known}


def _cut(name: str) -> str:
    return name if len(name) <= _LETTERS_SHOWN else f"{name[: _LETTERS_SHOWN - 1]}…"
