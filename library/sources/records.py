"""What a source tells of its songs and playlists."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SongRecord:
    """One song as its source has it."""

    #: The source's own name for it: of a folder, the path relative to the root.
    external_id: str
    title: str
    #: As it is shown; several are divided by commas.
    artist: str | None = None
    #: Each by itself.
    artists: tuple[str, ...] = ()
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    year: int | None = None
    track_number: int | None = None
    #: 0 to 5.
    rating_stars: float | None = None
    duration_seconds: float | None = None
    size_bytes: int | None = None
    #: Nanoseconds since 1970.
    modified_ns: str | None = None
    #: Its file's device and inode, by which a sync finds the song again when the name changed.
    device: str | None = None
    inode: str | None = None
    #: Whether its source has sound for it.
    has_sound: bool = True
    #: Names its sound alone, by which a sync finds it again when its tags have changed, too.
    audio_key: str | None = None
    #: International Standard Recording Code, and the recording's id at MusicBrainz.
    isrc: str | None = None
    recording_mbid: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One place in a playlist."""

    #: The external id of the song that it names; one that is gone may be named, too.
    song: str | None
    #: Whether no song that is there is named.
    is_missing: bool = False
    #: What the list calls it.
    label: str = ""
    #: The path or URL that stands in the list; empty where none does.
    place: str = ""


@dataclass(frozen=True, slots=True)
class PlaylistRecord:
    """One playlist as its source has it."""

    #: The file's name; of a file that holds several, with ``/`` and the playlist's own key.
    external_id: str
    name: str
    #: In order. A song that is in the list twice is here twice.
    entries: tuple[EntryRecord, ...]
    #: Whether it is the list of the person's liked songs rather than a playlist they keep.
    is_liked: bool = False

    @property
    def songs(self) -> tuple[str, ...]:
        """The external ids of its songs, in order; those that are gone among them."""
        return tuple(entry.song for entry in self.entries if entry.song is not None)

    @property
    def missing(self) -> tuple[str, ...]:
        """What names no song that is there, as it stands in the list."""
        return tuple(entry.place or entry.label for entry in self.entries if entry.is_missing)
