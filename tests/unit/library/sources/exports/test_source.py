"""An export is a source like others: songs, playlists, loved songs, and no sound."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from library.errors import NoSound, SourceUnavailable, UnreadableFile
from library.sources.exports.parts import ExportFile
from library.sources.exports.source import FILES, KIND, LOVED, ExportSource
from library.sources.exports.storage import ExportStore, Upload
from library.sources.places import SongIndex
from library.sources.source import Installation, KeepsFiles, MusicSource, SourceRow

from .made import SPOTIFY_LIBRARY, apple_library, given, spotify_playlists


def test_it_tells_songs_without_sound_lists_and_what_is_loved(tmp_path: Path) -> None:
    files = given(
        tmp_path, Playlist1_json=spotify_playlists("Road trip"), YourLibrary_json=SPOTIFY_LIBRARY
    )
    source: MusicSource = ExportSource(files, name="Spotify")
    contents = source.scan()
    assert contents.playlists == ("list:Road trip", LOVED)
    first = contents.songs[0]
    assert [contents.label(name) for name in (first, *contents.playlists)] == [
        "Ann – Rain",
        "Road trip",
        "Liked songs",
    ]
    record = source.read_song(first)
    assert (record.title, record.artist, record.has_sound) == ("Rain", "Ann", False)
    print_ = (str(record.size_bytes), record.modified_ns, record.inode)
    assert source.fingerprint(first) == print_
    (trip,) = source.read_playlists("list:Road trip", SongIndex([]))
    assert [entry.song for entry in trip.entries] == [*contents.songs[:2], first]
    assert not trip.missing
    (loved,) = source.read_playlists(LOVED, SongIndex([]))
    assert loved.is_liked
    assert loved.songs == (first, contents.songs[2])
    with pytest.raises(NoSound), source.sound(first):
        pass
    assert not source.is_there("another")
    with pytest.raises(UnreadableFile):
        source.read_song("another")


def test_another_export_of_the_same_song_has_another_fingerprint(tmp_path: Path) -> None:
    def prints(data: bytes) -> dict[str, tuple[str, ...] | None]:
        source = ExportSource(given(tmp_path, Library_xml=data), name="Apple")
        return {name: source.fingerprint(name) for name in source.scan().songs}

    before, after = prints(apple_library()), prints(apple_library().replace(b"1998", b"1999"))
    assert before.keys() == after.keys()
    assert sum(before[name] != after[name] for name in before) == 1


def test_without_its_files_or_with_damaged_ones_it_loses_nothing(tmp_path: Path) -> None:
    gone = ExportSource([ExportFile("x.json", tmp_path / "0")], name="Spotify")
    with pytest.raises(SourceUnavailable, match="not kept here any more"):
        gone.scan()
    cut = ExportSource(given(tmp_path, x_json='{"tracks": [{"track": "Rain"}'), name="Spotify")
    with pytest.raises(SourceUnavailable, match=r"cannot be read\. x\.json: The file ends"):
        cut.scan()


def test_what_no_row_names_is_swept_away_after_a_while(tmp_path: Path) -> None:
    store, account, source = ExportStore(tmp_path), uuid4(), uuid4()
    known, other = Upload(account, source, uuid4()), Upload(account, uuid4(), uuid4())
    for upload in (known, other):
        with store.incoming(account) as incoming:
            incoming.add("x", io.BytesIO())
            store.keep(incoming, upload)
    assert store.sweep([known]) == 0
    old = time.time() - 7_200
    for folder in (store.folder(known), store.folder(other)):
        os.utime(folder, (old, old))
    assert store.sweep([known]) == 1
    assert store.folder(known).is_dir()
    assert not store.folder(other).exists()


def test_its_kind_opens_it_by_its_row_and_forgets_its_files(tmp_path: Path) -> None:
    store, account, key = ExportStore(tmp_path), uuid4(), uuid4()
    upload = Upload(account, key, uuid4())
    (file,) = given(tmp_path, YourLibrary_json=SPOTIFY_LIBRARY)
    with store.incoming(account) as incoming, file.path.open("rb") as stream:
        incoming.add(file.name, stream)
        store.keep(incoming, upload)
    row = SourceRow(key, account, str(upload.id), "Spotify", {FILES: ["YourLibrary.json"]})
    assert len(KIND.open(row, Installation(tmp_path)).scan().songs) == 2
    assert isinstance(KIND, KeepsFiles)
    KIND.forget(row, Installation(tmp_path))
    assert not store.folder(upload).exists()
    with pytest.raises(SourceUnavailable):
        KIND.open(row, Installation(tmp_path)).scan()
    outside = SourceRow(key, account, "../../etc", "Spotify", {FILES: ["passwd"]})
    with pytest.raises(SourceUnavailable):
        KIND.open(outside, Installation(tmp_path))
