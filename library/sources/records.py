"""What a source tells of its songs and playlists."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SongRecord:
    """One song as its source has it."""

    #: The source's own name for it: of a folder, the path relative to the root.
    external_id: str
    title: str
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    year: int | None = None
    track_number: int | None = None
    duration_seconds: float | None = None
    size_bytes: int | None = None
    #: Nanoseconds since 1970.
    modified_ns: str | None = None
    #: Its file's device and inode, by which a sync finds the song again when the name changed.
    device: str | None = None
    inode: str | None = None


@dataclass(frozen=True, slots=True)
class PlaylistRecord:
    """One playlist as its source has it."""

    external_id: str
    name: str
    #: The external ids of its songs, in order, each once; those that are gone among them.
    songs: tuple[str, ...]
    #: Entries that name no song that is there, as they stand in the list.
    missing: tuple[str, ...] = ()
    #: Whether it is the list of the person's liked songs rather than a playlist they keep.
    is_liked: bool = False
