"""Songs put into a playlist on a server, and taken out again. What is said is what was read after.

Servers differ: some add an unknown song in silence to nothing, some refuse a whole call for it, and
all add a song twice that is sent twice. So a list is read before anything is written, what is in it
is not sent, and it is read again afterwards. Done twice, or broken off and done again, it comes to
the same list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .errors import Failed, LoginRefused, NotAllowed, ServerAway, ServerError
from .server import MusicServer

T = TypeVar("T")

#: A call names at most this many songs: addresses have a bound, where a server reads no forms.
SONGS_A_CALL = 50
_SAID_YES = "The server said yes, and the song is not in the playlist."
_STAYED = "The server said yes, and the song is still in the playlist."


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a change, by the server's ids."""

    #: Those that are changed now.
    done: tuple[str, ...] = ()
    #: Those that were so before.
    already: tuple[str, ...] = ()
    #: Those that could not be changed, with the reasons.
    failed: dict[str, str] = field(default_factory=dict)


def add_songs(server: MusicServer, playlist_id: str, song_ids: Sequence[str]) -> Written:
    """Put songs at a playlist's end that are not in it yet, each once.

    Raises:
        ServerError: the playlist cannot be read, before or after.
    """
    wanted = list(dict.fromkeys(song_ids))
    present = set(_ids(server, playlist_id))
    missing = [song_id for song_id in wanted if song_id not in present]
    reasons: dict[str, str] = {}
    for part in _parts(missing):
        _add(server, playlist_id, part, reasons)
    now = set(_ids(server, playlist_id)) if missing else present
    return Written(
        done=tuple(song_id for song_id in missing if song_id in now),
        already=tuple(song_id for song_id in wanted if song_id in present),
        failed={
            song_id: reasons.get(song_id, _SAID_YES) for song_id in missing if song_id not in now
        },
    )


def _add(
    server: MusicServer, playlist_id: str, song_ids: Sequence[str], reasons: dict[str, str]
) -> None:
    """Add some songs; where the server refuses them together, each by itself."""
    try:
        server.update_playlist(playlist_id, add=song_ids)
    except (ServerAway, LoginRefused, NotAllowed) as error:
        # Whether it was done is seen when the list is read.
        reasons |= dict.fromkeys(song_ids, str(error))
    except ServerError as error:
        reasons |= dict.fromkeys(song_ids, str(error))
        if len(song_ids) > 1 and isinstance(error, Failed):
            present = set(_ids(server, playlist_id))
            for song_id in song_ids:
                if song_id not in present:
                    _add(server, playlist_id, [song_id], reasons)


def remove_songs(server: MusicServer, playlist_id: str, song_ids: Sequence[str]) -> Written:
    """Take songs out of a playlist: of each its last place, where adding has put it.

    Raises:
        ServerError: the playlist cannot be read, before or after.
    """
    wanted = list(dict.fromkeys(song_ids))
    before = _ids(server, playlist_id)
    last = {song_id: position for position, song_id in enumerate(before)}
    present = [song_id for song_id in wanted if song_id in last]
    reasons: dict[str, str] = {}
    # The highest first: so the positions of the others stay what they were read as.
    positions = sorted((last[song_id] for song_id in present), reverse=True)
    for part in _parts(positions):
        try:
            server.update_playlist(playlist_id, remove_at=part)
        except ServerError as error:
            reasons |= {before[position]: str(error) for position in positions}
            break
    now = _ids(server, playlist_id) if present else before
    stayed = [name for name in present if now.count(name) >= before.count(name)]
    return Written(
        done=tuple(song_id for song_id in present if song_id not in stayed),
        already=tuple(song_id for song_id in wanted if song_id not in last),
        failed={song_id: reasons.get(song_id, _STAYED) for song_id in stayed},
    )


def _ids(server: MusicServer, playlist_id: str) -> list[str]:
    return [song.id for song in server.playlist(playlist_id).songs]


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), SONGS_A_CALL):
        yield rows[start : start + SONGS_A_CALL]
