"""A music server as a source: what a person has there, read only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from ...errors import NoSound, SourceUnavailable, UnreadableFile
from ..contents import Contents
from ..liked import is_liked_name
from ..places import SongIndex
from ..records import EntryRecord, PlaylistRecord, SongRecord
from .cache import SoundCache
from .errors import LoginRefused, NotFound, ServerAway, ServerError
from .fetching import fetch_sound
from .server import PAGE, MusicServer
from .values import ServerPlaylist, ServerSong, external_id, server_id

#: Raise it when more or something else is read of a song, so that all songs are read again.
READ_VERSION = 1
#: The name of the list of songs with a star. The others are named by `PLAYLIST` and their id.
STARRED = "starred"
PLAYLIST = "playlist:"
_STARRED_NAME = "Songs with a star"
#: A server that is away for this many things in a row is not asked for the rest.
FAILURES_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class ServerContents(Contents):
    """What a server has. Where an album cannot be looked at, no song is taken for gone."""

    def missing(self, known: Iterable[str], is_there: Callable[[str], bool]) -> list[str]:  # noqa: ARG002
        """Which of the known names are gone."""
        here = {*self.songs, *self.playlists}
        return [
            name for name in known if name not in here and (not self.unseen or is_playlist(name))
        ]


def is_playlist(name: str) -> bool:
    """Whether a name is that of a list, and not of a song."""
    return name == STARRED or name.startswith(PLAYLIST)


class SubsonicSource:
    """Everything that one person has on a server: songs, stars, ratings, playlists.

    All songs are asked for when it is scanned, some hundred at a time; what is asked of one song
    later is answered from that.
    """

    #: Its names are no paths.
    root: Path | None = None
    read_version = READ_VERSION
    gives_ids = True

    def __init__(
        self, server: MusicServer, *, source_id: UUID, name: str, sounds: SoundCache
    ) -> None:
        self._server = server
        self._source_id = source_id
        self._name = name
        self._sounds = sounds
        #: As they were told when it was scanned.
        self._songs: dict[str, SongRecord] = {}
        #: How many things in a row the server was away for.
        self._failures = 0
        #: See `library.sources.source.TellsWhatItLists`.
        self.on_folder: Callable[[str, int], None] | None = None

    @property
    def where(self) -> str:
        """What a sentence about it begins with."""
        return f"The music server {self._name}"

    def scan(self) -> Contents:
        """All songs and playlists on it.

        Raises:
            SourceUnavailable: it does not answer, or lets this person in no more.
        """
        unseen: dict[str, str] = {}
        with self._being_there():
            found: dict[str, ServerSong] = {}
            for song in self._server.all_songs():
                found[song.record.external_id] = song
                if len(found) % PAGE == 1:
                    self._tell(len(found))
            self._add_short_albums(found, unseen)
            lists = {
                f"{PLAYLIST}{external_id(entry.id)}": entry.name
                for entry in self._server.playlists()
            }
        self._songs = {name: song.record for name, song in found.items()}
        titles = {name: song.title for name, song in self._songs.items()}
        return ServerContents(
            songs=tuple(sorted(found)),
            playlists=(STARRED, *sorted(lists)),
            labels={STARRED: _STARRED_NAME, **lists, **titles},
            unseen=unseen,
        )

    def _tell(self, songs: int) -> None:
        if self.on_folder is not None:
            self.on_folder("", songs)

    def _add_short_albums(self, found: dict[str, ServerSong], unseen: dict[str, str]) -> None:
        """Add the songs of albums of which the search found fewer than the server counts.

        Some servers find nothing by an empty search, and a server whose songs change while they are
        listed skips one. An album that cannot be read fails alone.
        """
        sizes = Counter(song.album_id for song in found.values())
        for album in self._server.all_albums():
            if sizes[album.id] >= album.song_count:
                continue
            try:
                songs = self._server.songs_of_album(album.id)
            except ServerError as error:
                self._count(error)
                unseen[album.name] = str(error)
            else:
                self._failures = 0
                self._tell(len(found))
                found |= {song.record.external_id: song for song in songs}

    def check(self, external_id: str = "") -> None:  # noqa: ARG002
        """Look whether the server still answers, and lets this person in.

        Raises:
            SourceUnavailable: it does not.
        """
        with self._being_there():
            self._server.ping()

    def is_there(self, external_id: str) -> bool:
        """Whether the server has a song or a playlist, or does not say."""
        try:
            if external_id.startswith(PLAYLIST):
                self._server.playlist(server_id(external_id.removeprefix(PLAYLIST)))
            elif external_id != STARRED:
                self._server.song(server_id(external_id))
        except NotFound:
            return False
        except ServerError:
            return True
        return True

    def fingerprint(self, external_id: str) -> tuple[str, ...] | None:
        """Size and two hashes, by which a song is known to be unchanged; None if it is gone."""
        song = self._songs.get(external_id)
        if song is None:
            return None
        return str(song.size_bytes), str(song.modified_ns), str(song.inode)

    def read_song(self, external_id: str) -> SongRecord:
        """A song as the server told it when it was scanned, or as it tells it now.

        Raises:
            UnreadableFile: the server does not tell.
        """
        known = self._songs.get(external_id)
        return known or self._song(external_id).record

    def _song(self, name: str) -> ServerSong:
        try:
            return self._server.song(server_id(name))
        except NotFound as error:
            raise NoSound("The server has this song no more.") from error
        except ServerError as error:
            raise UnreadableFile(str(error)) from error

    def read_playlists(
        self, external_id: str, songs: SongIndex, gone: SongIndex | None = None
    ) -> tuple[PlaylistRecord, ...]:
        """The one list of a name: a playlist, or the songs with a star.

        Raises:
            UnreadableFile: the server does not tell what is in it.
            SourceUnavailable: it did not tell this several times in a row.
        """
        try:
            found = self._list(external_id)
        except ServerError as error:
            self._count(error)
            raise UnreadableFile(str(error)) from error
        self._failures = 0
        return (
            PlaylistRecord(
                external_id=external_id,
                name=found.name,
                entries=tuple(_entry(song.record, songs, gone) for song in found.songs),
                is_liked=external_id == STARRED or is_liked_name(found.name),
            ),
        )

    def _list(self, name: str) -> ServerPlaylist:
        if name == STARRED:
            return ServerPlaylist(STARRED, _STARRED_NAME, songs=tuple(self._server.starred()))
        return self._server.playlist(server_id(name.removeprefix(PLAYLIST)))

    @contextmanager
    def sound(self, external_id: str) -> Iterator[Path]:
        """A block in which a song's sound is a file, which is fetched where it was not yet.

        Raises:
            NoSound: the server has the song no more.
            UnreadableFile: it cannot be fetched, in a sentence for the person.
        """
        song = self._song(external_id)
        record = song.record
        fetch = partial(
            fetch_sound,
            self._server.client,
            song.id,
            size=record.size_bytes,
            at_most=self._sounds.max_bytes,
        )
        names = (self._source_id.hex, external_id, str(record.modified_ns))
        try:
            with self._sounds.file(*names, suffix=song.suffix, fetch=fetch) as path:
                yield path
        except ServerError as error:
            raise UnreadableFile(str(error)) from error

    def close(self) -> None:
        """Close the connections."""
        self._server.client.close()

    def _count(self, error: ServerError) -> None:
        """Give up a server that is away for several things in a row.

        Raises:
            SourceUnavailable: it is.
        """
        if isinstance(error, LoginRefused):
            raise self._unavailable(error) from error
        if isinstance(error, ServerAway):
            self._failures += 1
            if self._failures >= FAILURES_IN_A_ROW:
                raise self._unavailable(error) from error

    @contextmanager
    def _being_there(self) -> Iterator[None]:
        try:
            yield
        except ServerError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: ServerError) -> SourceUnavailable:
        return SourceUnavailable(f"{self.where} cannot be read. {error} Nothing was removed.")


def _entry(song: SongRecord, songs: SongIndex, gone: SongIndex | None) -> EntryRecord:
    name = song.external_id
    is_missing = name not in songs
    is_known = not is_missing or (gone is not None and name in gone)
    label = f"{song.artist} – {song.title}" if song.artist else song.title
    return EntryRecord(name if is_known else None, is_missing, label[:300], "")
