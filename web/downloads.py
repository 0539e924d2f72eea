"""A playlist as a file, with the songs that were accepted for it at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from uuid import UUID

from flask import Blueprint, abort, request, send_file
from flask.typing import ResponseReturnValue

from library import downloads, playlists
from library.playlist_formats import ListedFile, jspf, m3u8, xspf
from progress.failures import csv_rows

from .job_views import parse_id
from .services import services
from .sessions import account_id

blueprint = Blueprint("downloads", __name__)

Format = Callable[[str, Sequence[ListedFile]], Iterable[bytes]]


def _csv(_name: str, songs: Sequence[ListedFile]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + csv_rows([("Title", "Artist", "Album", "Seconds", "Place")])
    yield csv_rows(
        (
            song.title,
            song.artist,
            song.album,
            "" if song.duration_seconds is None else f"{song.duration_seconds:.0f}",
            song.place,
        )
        for song in songs
    )


#: By the name that an address has for it: what writes it, and its media type.
FORMATS: dict[str, tuple[Format, str]] = {
    "m3u8": (m3u8, "application/vnd.apple.mpegurl"),
    "xspf": (xspf, "application/xspf+xml"),
    "jspf": (jspf, "application/json"),
    "csv": (_csv, "text/csv; charset=utf-8"),
}


@blueprint.get("/playlists/<playlist_id>/download")
def playlist(playlist_id: str) -> ResponseReturnValue:
    """The playlist's songs, in order, and then those that were accepted for it."""
    key: UUID = parse_id(playlist_id) or abort(404)
    form = request.args.get("format", "m3u8")
    write, media_type = FORMATS.get(form) or abort(404)
    with services().database.reading() as session:
        kept = playlists.get(session, account_id=account_id(), playlist_id=key) or abort(404)
        songs = downloads.files(session, account_id=account_id(), playlist_id=key)
    return send_file(
        BytesIO(b"".join(write(kept.name, songs))),
        mimetype=media_type,
        as_attachment=True,
        download_name=f"{_file_name(kept.name)}.{form}",
    )


def _file_name(name: str) -> str:
    """A name that every system takes for a file."""
    plain = "".join(" " if c < " " or c in '<>:"/\\|?*' else c for c in name)
    return plain.strip(" .")[:100] or "playlist"
