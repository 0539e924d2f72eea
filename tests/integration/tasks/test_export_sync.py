"""An export is synced by a real worker, and its songs are those of the files that one has."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import mutagen
import pytest
from mutagen.id3 import TALB, TIT2, TPE1
from sqlalchemy import event, select

from library import account_sources, features, likes, playlists
from library.analysis import ANALYSER_VERSION
from library.models import Playlist, Song
from library.proposing import Proposing
from library.sources.exports.source import FILES
from library.sources.exports.storage import ExportStore, Upload
from tests.integration.tasks.shelf import Shelf, make, write_list


def tagged(folder: Path, name: str, title: str) -> None:
    make(folder, name)
    file = mutagen.File(folder / name)
    if file.tags is None:
        file.add_tags()
    for frame, text in ((TIT2, title), (TPE1, "Ann"), (TALB, "Blue")):
        file.tags.add(frame(encoding=3, text=[text]))
    file.save()


def item(title: str) -> dict[str, Any]:
    said = {"trackName": title, "artistName": "Ann", "albumName": "Blue"}
    return {"track": said | {"trackUri": f"spotify:track:{title}"}}


def export(*titles: str, loved: tuple[str, ...] = ()) -> bytes:
    tracks = [
        {"track": t, "artist": "Ann", "album": "Blue", "uri": f"spotify:track:{t}"} for t in loved
    ]
    lists = [{"name": "Mix", "items": [item(title) for title in titles]}]
    return json.dumps({"playlists": lists, "tracks": tracks}).encode()


def upload(shelf: Shelf, content: bytes, source_id: UUID | None = None) -> UUID:
    """Have an export be a source of the account, as the page does."""
    store = ExportStore(shelf.runtime.settings.data_dir)
    with shelf.runtime.database.session() as session:
        mine = {"account_id": shelf.account_id}
        if source_id is None:
            made = account_sources.add(
                session, **mine, location=str(uuid4()), name="Spotify", kind="export"
            )
            source_id = made.id
        source = account_sources.get(session, **mine, source_id=source_id)
        assert source is not None
        place = Upload(shelf.account_id, source_id, uuid4())
        with store.incoming(shelf.account_id) as incoming:
            incoming.add("x.json", io.BytesIO(content))
            store.keep(incoming, place)
        settings = {FILES: ["x.json"]}
        account_sources.change(
            session, source=source, location=str(place.id), name="Spotify", settings=settings
        )
    return source_id


def shown(shelf: Shelf) -> dict[str, bool]:
    """The titles that are shown, and whether they have sound."""
    with shelf.runtime.database.reading() as session:
        mine = select(Song.title, Song.has_sound).where(Song.account_id == shelf.account_id)
        return {title: sound for title, sound in session.execute(mine.where(Song.present))}  # noqa: C416


def listed(shelf: Shelf) -> list[str]:
    with shelf.runtime.database.reading() as session:
        mine = select(Playlist.id).where(Playlist.account_id == shelf.account_id)
        (key,) = session.scalars(mine.where(Playlist.gone_at.is_(None))).all()
        found = playlists.songs(session, account_id=shelf.account_id, playlist_id=key)
        assert not any(entry.is_missing for entry in found)
        return [entry.title for entry in found]


def loved(shelf: Shelf) -> int:
    with shelf.runtime.database.reading() as session:
        return likes.count(session, account_id=shelf.account_id)


@contextmanager
def written(shelf: Shelf) -> Iterator[set[str]]:
    """The tables of which rows are written meanwhile."""
    tables: set[str] = set()

    def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        if words[0] in ("INSERT", "UPDATE", "DELETE") and cursor.rowcount > 0:
            tables.update(words[1:3])

    engine = shelf.runtime.database.engine
    event.listen(engine, "after_cursor_execute", note)
    yield tables
    event.remove(engine, "after_cursor_execute", note)


@pytest.fixture
def source(shelf: Shelf) -> UUID:
    """An account with the file of one song, and an export that names it and two others."""
    tagged(shelf.folder, "rain.wav", "Rain")
    tagged(shelf.folder, "other.wav", "Other")
    return upload(shelf, export("Rain", "Snow", "Rain", loved=("Rain", "Fog")))


def test_songs_of_an_export_are_the_files_one_has_and_the_others_have_no_sound(
    shelf: Shelf, source: UUID
) -> None:
    job = shelf.sync()
    assert (job.status, job.failed) == ("completed", 0)
    assert shown(shelf) == {"Rain": True, "Other": True, "Snow": False, "Fog": False}
    assert listed(shelf) == ["Rain", "Snow", "Rain"]
    assert (loved(shelf), job.result["liked"]) == (2, 2)
    with written(shelf) as tables:
        again = shelf.sync()
    assert not tables & {"songs", "playlists", "playlist_entries", "liked_songs"}
    assert (again.status, again.failed) == ("completed", 0)
    assert listed(shelf) == ["Rain", "Snow", "Rain"]
    # A file comes, another goes.
    tagged(shelf.folder, "snow.wav", "Snow")
    (shelf.folder / "rain.wav").unlink()
    assert shelf.sync().status == "completed"
    assert shown(shelf) == {"Rain": False, "Other": True, "Snow": True, "Fog": False}
    assert listed(shelf) == ["Rain", "Snow", "Rain"]
    assert loved(shelf) == 2


def test_a_newer_upload_is_believed_whatever_it_lacks_and_a_damaged_one_removes_nothing(
    shelf: Shelf, source: UUID
) -> None:
    shelf.sync()
    upload(shelf, b'{"tracks": [{"track": "Rain"', source)
    job = shelf.sync()
    assert job.status == "failed"
    with shelf.runtime.database.reading() as session:
        row = account_sources.get(session, account_id=shelf.account_id, source_id=source)
        assert row is not None
        assert row.failure == (
            "The export “Spotify” cannot be read. "
            "x.json: The file ends in the middle or is damaged: download it again."
        )
    assert listed(shelf) == ["Rain", "Snow", "Rain"]
    upload(shelf, export("Fog"), source)
    assert shelf.sync().status == "completed"
    assert listed(shelf) == ["Fog"]
    assert shown(shelf) == {"Rain": True, "Other": True, "Fog": False}


def test_songs_without_sound_are_not_heard_and_are_sorted_all_the_same(
    shelf: Shelf, source: UUID
) -> None:
    shelf.sync()
    with shelf.runtime.database.reading() as session:
        mine = {"account_id": shelf.account_id}
        to_hear = features.to_analyse(session, **mine, analyser_version=ANALYSER_VERSION)
        assert {song.title for song in to_hear} == {"Rain", "Other"}
        proposing = Proposing.read(session, **mine)
        blocks = [*proposing.of_placed(), *proposing.of_unplaced()]
        proposed = {key for block in blocks for key, found in block.proposals.items() if found}
        titles = select(Song.title).where(Song.id.in_(proposed), ~Song.has_sound)
        # By artist and album, which are those of the list.
        assert set(session.scalars(titles)) == {"Fog"}


def test_a_list_whose_paths_lead_nowhere_holds_the_songs_that_it_names(shelf: Shelf) -> None:
    tagged(shelf.folder, "rain.wav", "Rain")
    write_list(shelf.folder, "Mix.m3u", "#EXTM3U", "#EXTINF:-1,Ann - Rain", "D:\\old\\7.mp3")
    job = shelf.sync()
    assert (job.status, job.failed) == ("completed", 0)
    assert listed(shelf) == ["Rain"]
