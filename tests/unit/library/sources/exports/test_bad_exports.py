"""Whatever is given as an export, it is read or refused in one sentence, within bounds."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library.errors import UnreadableFile
from library.sources.exports import bounds, parts, reading, tracks
from library.sources.exports.parts import ExportFile
from library.sources.exports.reading import look, read

from .made import (
    EXPORTIFY,
    FEEDBACK,
    FEEDBACK_LINES,
    JSPF,
    SPOTIFY_LIBRARY,
    apple_library,
    beets_library,
    spotify_playlists,
    zipped,
)
from .made import given as given_files

_WHOLE = {
    "Playlist1.json": json.dumps(spotify_playlists("Road trip")).encode(),
    "YourLibrary.json": json.dumps(SPOTIFY_LIBRARY).encode(),
    "list.csv": EXPORTIFY.encode(),
    "Library.xml": apple_library(),
    "list.json": json.dumps(JSPF).encode(),
    "feedback.json": json.dumps(FEEDBACK).encode(),
    "feedback.jsonl": FEEDBACK_LINES.encode(),
}


def refused(files: list[ExportFile]) -> str:
    with pytest.raises(UnreadableFile) as found:
        read(files)
    return found.value.reason


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400), name=st.sampled_from(["x.json", "x.csv", "x.xml", "x.jsonl"]))
@pytest.mark.parametrize(
    "begin", [b"", b"{", b"<plist", b"PK\3\4", b"SQLite format 3\0", b"\xff\xfe"]
)
def test_any_bytes_are_an_export_or_are_refused(
    tmp_path: Path, begin: bytes, data: bytes, name: str
) -> None:
    _reads_or_refuses(tmp_path, name, begin + data)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(_WHOLE)),
    at=st.floats(0, 1),
    change=st.binary(max_size=12),
    is_cut=st.booleans(),
)
def test_an_export_that_is_cut_or_changed_anywhere_is_read_or_refused(
    tmp_path: Path, name: str, at: float, change: bytes, *, is_cut: bool
) -> None:
    whole = _WHOLE[name]
    place = int(at * len(whole))
    rest = b"" if is_cut else whole[place + len(change) :]
    _reads_or_refuses(tmp_path, name, whole[:place] + change + rest)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), change=st.binary(min_size=1, max_size=12), kind=st.booleans())
def test_a_zip_or_a_database_that_is_changed_anywhere_is_read_or_refused(
    tmp_path: Path, at: float, change: bytes, *, kind: bool
) -> None:
    known = tmp_path / ("whole.zip" if kind else "whole.db")
    if not known.exists():
        zipped(known, YourLibrary_json=SPOTIFY_LIBRARY) if kind else beets_library(known)
    whole = known.read_bytes()
    place = int(at * len(whole))
    _reads_or_refuses(tmp_path, "x", whole[:place] + change + whole[place + len(change) :])


def _reads_or_refuses(folder: Path, name: str, data: bytes) -> None:
    path = folder / "given"
    path.write_bytes(data)
    try:
        export = read([ExportFile(name, path)])
    except UnreadableFile as error:
        reason = error.reason
    else:
        _require_whole(export)
        return
    assert reason.endswith("."), reason


def _require_whole(export: tracks.Export) -> None:
    for track in export.tracks.values():
        said = "".join(filter(None, (track.title, track.artist, track.album, track.key)))
        said.encode()  # no half of a letter
        assert "\0" not in said
    for one in export.playlists:
        assert set(one.tracks) <= export.tracks.keys()
    assert set(export.loved) <= export.tracks.keys()


_DEEP = 200_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.json", b'{"tracks": [{"track": ' + b"[" * _DEEP),
        ("deep.json", b"[" * _DEEP + b"]" * _DEEP),
        ("deep.json", b'{"a":' * _DEEP),
        ("deep.xml", b"<plist>" + b"<dict>" * _DEEP),
    ],
)
def test_what_nests_deeply_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert "nested too deeply" in refused([ExportFile(name, path)])


def test_a_line_that_nests_deeply_is_left_out(tmp_path: Path) -> None:
    line = b"[" * 100_000 + b"\n" + FEEDBACK_LINES.encode()
    assert read(given_files(tmp_path, feedback_jsonl=line)).loved == ()


def test_entities_of_xml_are_refused_whether_they_are_used_or_not(tmp_path: Path) -> None:
    declared = b'<!DOCTYPE plist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><plist>'
    outer = b'<!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]><plist>'
    for head in (declared, outer):
        data = apple_library().partition(b"<plist")[2].partition(b">")[2]
        assert "declares entities" in refused(given_files(tmp_path, Library_xml=head + data))


def test_a_value_of_many_parts_is_read_as_far_as_it_may_be(tmp_path: Path) -> None:
    many = {"tracks": [{"track": "Rain", "more": [[]] * 100_000, "artist": "Ann"}]}
    (track,) = read(given_files(tmp_path, YourLibrary_json=many)).tracks.values()
    assert (track.title, track.artist) == ("Rain", None)


@pytest.mark.parametrize(
    ("bound", "most", "words"),
    [
        ("MAX_TRACKS", 1, "more than 1 songs"),
        ("MAX_PLAYLISTS", 1, "more than 1 playlists"),
        ("MAX_ENTRIES", 4, "more than 4 places in playlists"),
    ],
)
def test_an_export_that_holds_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, most: int, words: str
) -> None:
    monkeypatch.setattr(tracks, bound, most)
    assert words in refused(given_files(tmp_path, Playlist1_json=spotify_playlists("a", "b")))


def test_a_zip_that_grows_when_it_is_unpacked_is_refused_before_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MAX_UNPACKED_BYTES", 2 * 1024 * 1024)
    bomb = b'{"tracks": [' + b" " * 30_000_000 + b"]}"
    files = zipped(tmp_path / "bomb.zip", YourLibrary_json=bomb)
    assert files[0].path.stat().st_size < 100_000
    assert "more than 2 MB when it is unpacked" in refused(files)


def test_a_look_at_what_takes_long_to_read_is_over_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LOOK_BYTES", 200_000)
    # It ends in the middle, which the look does not come to.
    long = b'{"tracks": [{"track": "Rain"}' + b",[]" * 200_000
    for files in (
        given_files(tmp_path, YourLibrary_json=long),
        zipped(tmp_path / "x.zip", YourLibrary_json=long),
    ):
        assert len(look(files).tracks) == 1
        assert "ends in the middle" in refused(files)


def _names_that_lead_out(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for name in ("../../YourLibrary.json", "/etc/cron.d/x.json", "C:\\x\\y.json"):
            packed.writestr(name, json.dumps(SPOTIFY_LIBRARY))


def test_names_in_a_zip_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    path = folder / "x.zip"
    _names_that_lead_out(path)
    before = sorted(tmp_path.rglob("*"))
    with parts.parts_of([ExportFile("x.zip", path)]) as found:
        assert [part.name for part in found] == ["x.json", "y.json", "YourLibrary.json"]
    assert len(read([ExportFile("x.zip", path)]).loved) == 2
    assert sorted(tmp_path.rglob("*")) == before


def _encrypted(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("YourLibrary.json", "{}")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)


def _nested(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("inner.zip", b"PK\3\4 whatever")


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(bounds.MAX_FILES + 1):
            packed.writestr(f"{number}.json", "{}")


def _huge_directory(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(12_000):
            packed.writestr(f"{number}{'x' * 80}", "")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_encrypted, "has a password"),
        (_nested, "holds another zip"),
        (_many, "more than 500 files"),
        (_huge_directory, "holds too many files"),
    ],
)
def test_zips_that_cannot_be_used_say_why(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "x.zip"
    make(path)
    assert words in refused([ExportFile("x.zip", path)])


def test_a_database_that_is_none_of_beets_is_refused(tmp_path: Path) -> None:
    def with_script(script: str) -> str:
        path = tmp_path / "x.db"
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.executescript(script)
        return refused([ExportFile("x.db", path)])

    assert "not that of beets" in with_script("CREATE TABLE other (id INTEGER)")
    # A view can compute for ever.
    assert "not that of beets" in with_script(
        "CREATE VIEW items AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
        " SELECT id, 'x' AS title FROM n"
    )
    generated = "title TEXT AS (hex(zeroblob(100000000)))"
    assert "damaged" in with_script(
        f"CREATE TABLE items (id INTEGER PRIMARY KEY, {generated});"
        " INSERT INTO items (id) VALUES (1)"
    )


def test_a_database_is_not_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    files = beets_library(tmp_path / "library.db")
    before = files[0].path.read_bytes()
    files[0].path.chmod(0o400)
    read(files)
    assert files[0].path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["library.db"]


def test_what_is_no_export_is_said_to_be_none(tmp_path: Path) -> None:
    for name, content in (("a_txt", "hello"), ("b_json", {"a": 1}), ("c_csv", "x,y\n1,2\n")):
        assert "no export in it that Earmark knows" in refused(
            given_files(tmp_path, **{name: content})
        )
    with pytest.raises(UnreadableFile):
        look([])
