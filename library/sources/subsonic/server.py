"""A music server as Earmark uses it: the calls of the API, with values for answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from .answers import part, several
from .client import Parameter, SubsonicClient
from .errors import AnswerRefused
from .values import (
    ServerAlbum,
    ServerPlaylist,
    ServerSong,
    albums_of,
    entries_of,
    playlist_of,
    song_of,
    songs_of,
)

T = TypeVar("T")

#: Servers send at most this many albums or songs at once.
PAGE = 500
#: A server that never stops sending pages is not asked for more than this many of anything.
MAX_ROWS = 1_000_000


class MusicServer:
    """What one person has on one server. Every call may raise `ServerError`."""

    def __init__(self, client: SubsonicClient) -> None:
        self.client = client

    def ping(self) -> None:
        """Ask whether the server answers and lets this person in."""
        self.client.call("ping")

    def all_songs(self) -> Iterator[ServerSong]:
        """The songs that a search for nothing finds. Some servers find all, others none."""
        return _pages(self._songs_page, lambda song: song.id)

    def _songs_page(self, offset: int) -> tuple[int, list[ServerSong]]:
        asked: list[Parameter] = [("query", ""), ("songCount", PAGE), ("songOffset", offset)]
        asked += [("artistCount", 0), ("albumCount", 0)]
        found = part(self.client.call("search3", asked), "searchResult3")
        return len(several(found, "song")), songs_of(found, "song")

    def all_albums(self) -> Iterator[ServerAlbum]:
        """All albums, without their songs."""
        return _pages(self._albums_page, lambda album: album.id)

    def _albums_page(self, offset: int) -> tuple[int, list[ServerAlbum]]:
        asked: list[Parameter] = [
            ("type", "alphabeticalByName"),
            ("size", PAGE),
            ("offset", offset),
        ]
        found = part(self.client.call("getAlbumList2", asked), "albumList2")
        return len(several(found, "album")), albums_of(found, "album")

    def songs_of_album(self, album_id: str) -> list[ServerSong]:
        """The songs of an album."""
        return songs_of(part(self.client.call("getAlbum", [("id", album_id)]), "album"), "song")

    def song(self, song_id: str) -> ServerSong:
        """One song."""
        found = song_of(part(self.client.call("getSong", [("id", song_id)]), "song"))
        if found is None:
            raise AnswerRefused("The server answers with something else than the song.")
        return found

    def starred(self) -> list[ServerSong]:
        """The songs that the person gave a star."""
        return entries_of(part(self.client.call("getStarred2"), "starred2"), "song")

    def playlists(self) -> list[ServerPlaylist]:
        """The person's playlists and those that others show them, without their songs."""
        told = several(part(self.client.call("getPlaylists"), "playlists"), "playlist")
        found = map(playlist_of, told)
        return [playlist for playlist in found if playlist is not None]

    def playlist(self, playlist_id: str) -> ServerPlaylist:
        """One playlist with its songs."""
        told = part(self.client.call("getPlaylist", [("id", playlist_id)]), "playlist")
        found = playlist_of(told)
        if found is None:
            raise AnswerRefused("The server answers with something else than the playlist.")
        return found

    def star(self, song_id: str) -> None:
        """Give a song a star. One at a time: some servers take only the first of several."""
        self.client.call("star", [("id", song_id)], writes=True)

    def unstar(self, song_id: str) -> None:
        """Take a song's star away."""
        self.client.call("unstar", [("id", song_id)], writes=True)

    def rate(self, song_id: str, *, stars: int) -> None:
        """Give a song 1 to 5 stars; 0 takes the rating away."""
        self.client.call("setRating", [("id", song_id), ("rating", stars)], writes=True)

    def create_playlist(self, name: str, song_ids: Sequence[str] = ()) -> None:
        """A new playlist. Not every server answers with it: look for it by its name."""
        songs = [("songId", song_id) for song_id in song_ids]
        self.client.call("createPlaylist", [("name", name), *songs], writes=True)

    def update_playlist(
        self, playlist_id: str, *, add: Sequence[str] = (), remove_at: Sequence[int] = ()
    ) -> None:
        """Put songs at a playlist's end, or take out those at positions from 0 on."""
        asked: list[Parameter] = [("playlistId", playlist_id)]
        asked += [("songIdToAdd", song_id) for song_id in add]
        asked += [("songIndexToRemove", position) for position in remove_at]
        self.client.call("updatePlaylist", asked, writes=True)


def _pages(page: Callable[[int], tuple[int, list[T]]], name: Callable[[T], str]) -> Iterator[T]:
    """All rows, page by page, each once.

    A page begins where the one before ended, which may have had fewer rows than were asked for. A
    server that sends the same page again and again has no more.
    """
    seen: set[str] = set()
    offset = first = 0
    while len(seen) < MAX_ROWS:
        size, rows = page(offset)
        new = {name(row): row for row in rows if name(row) not in seen}
        yield from new.values()
        seen.update(new)
        first = first or size
        if size < first or not size or (rows and not new):
            return
        offset += size
    raise AnswerRefused(f"The server does not stop listing: more than {MAX_ROWS:,} of one kind.")
