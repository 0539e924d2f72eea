from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from library.sources.records import SongRecord
from library.sources.subsonic.answers import MAX_CONTAINERS, payload_of, several
from library.sources.subsonic.errors import (
    AnswerRefused,
    Failed,
    LoginRefused,
    NotAllowed,
    NotFound,
)
from library.sources.subsonic.values import (
    external_id,
    playlist_of,
    server_id,
    song_of,
    songs_of,
)
from tests.subsonic.double import song

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    *("id", "title", "artist", "album", "albumId", "genre", "year", "track", "duration", "size"),
    *("suffix", "userRating", "isDir", "isVideo", "artists", "displayArtist", "bitRate", "name"),
]


def answer(**said: Any) -> bytes:
    return json.dumps({"subsonic-response": said}).encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><h1>Welcome</h1></html>", "a page"),
        (b"<?xml version='1.0'?><subsonic-response status='ok'/>", "a page"),
        (b"", "damaged"),
        (b'{"subsonic-response": {"status": "ok"', "damaged"),
        (b"[1, 2]", "not by the Subsonic API"),
        (b'{"hello": 1}', "not by the Subsonic API"),
        (b'{"subsonic-response": [1]}', "not by the Subsonic API"),
        (b"[" * 100_000, "damaged"),
        (b'{"a":' + b"[{}," * (MAX_CONTAINERS // 2 + 1), "more than it was asked for"),
        (b"\xff\xfe\x00", "damaged"),
    ],
)
def test_what_is_no_answer_of_the_api_is_told_in_a_sentence(body: bytes, said: str) -> None:
    with pytest.raises(AnswerRefused, match=said):
        payload_of(body)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 40, "message": "x"}, LoginRefused),
        ({"code": "44"}, LoginRefused),
        ({"code": 50, "message": "x"}, NotAllowed),
        ({"code": 70, "message": "x"}, NotFound),
        ({"code": 0, "message": 7}, Failed),
        ({"code": [1], "message": {}}, Failed),
        ("nonsense", Failed),
        (None, Failed),
    ],
)
def test_an_error_within_http_200_is_one(error: object, kind: type[Failed]) -> None:
    with pytest.raises(Failed) as raised:
        payload_of(answer(status="failed", error=error))
    assert type(raised.value) is kind
    assert str(raised.value).isprintable()


def test_a_servers_words_are_short_and_cannot_dress_up_as_others() -> None:
    message = "bad\x1b[31m\u202e\n" + "x" * 5_000
    with pytest.raises(Failed) as raised:
        payload_of(answer(status="failed", error={"code": 0, "message": message}))
    assert len(str(raised.value)) < 250
    assert not set(str(raised.value)) & {"\x1b", "\u202e", "\n"}


def test_one_object_stands_for_a_list_of_one() -> None:
    assert several({"song": {"id": "1"}}, "song") == [{"id": "1"}]
    assert several({"song": [1, None, {"id": "1"}]}, "song") == [{"id": "1"}]
    with pytest.raises(AnswerRefused):
        several({"song": "1"}, "song")


def test_a_song_is_read_as_the_server_tells_it() -> None:
    told = song(
        3, userRating=4, artists=[{"name": "Ann"}, {"name": "Bo"}], displayArtist="Ann & Bo"
    )
    found = song_of(told)
    assert found is not None
    record = found.record
    assert (record.title, record.artist, record.artists) == ("Song 3", "Ann & Bo", ("Ann", "Bo"))
    assert (record.album, record.year, record.track_number) == ("Album 0", 1999, 4)
    assert (record.rating_stars, record.duration_seconds, record.size_bytes) == (4.0, 180.0, 1003)
    assert (found.id, found.album_id, found.suffix) == ("so-3", "al-0", "ogg")


@pytest.mark.parametrize(
    "told",
    [
        *({}, {"id": ""}, {"id": "x" * 300}, {"id": ["a"]}, {"id": True}, {"id": "a\nb"}),
        *(song(1, isDir=True), song(1, isVideo=True)),
    ],
)
def test_what_has_no_id_or_is_no_song_is_left_out(told: dict[str, Any]) -> None:
    assert song_of(told) is None


def test_a_rating_changes_what_is_kept_and_not_what_is_heard() -> None:
    plain, rated, other = (
        song_of(told).record  # type: ignore[union-attr]
        for told in (song(1), song(1, userRating=5), song(1, size=999_999))
    )
    assert plain.inode != rated.inode
    assert plain.modified_ns == rated.modified_ns != other.modified_ns
    assert max(len(str(text)) for text in (plain.inode, plain.modified_ns)) <= 20


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_types_break_a_song(told: dict[str, Any]) -> None:
    found = song_of(told)
    if found is not None:
        record = found.record
        assert isinstance(record, SongRecord)
        assert record.title
        assert record.year is None or 1000 <= record.year <= 2999
        assert record.rating_stars is None or 1 <= record.rating_stars <= 5


@settings(max_examples=40)
@given(JSON)
def test_no_answer_breaks_the_reading(told: Any) -> None:
    try:
        payload = payload_of(json.dumps({"subsonic-response": told}).encode())
        songs_of(payload, "song")
        playlist_of(payload)
    except (AnswerRefused, Failed):
        pass


@given(st.text())
def test_an_id_has_no_divider_of_names_and_is_found_again(name: str) -> None:
    assert "/" not in external_id(name)
    assert server_id(external_id(name)) == name
