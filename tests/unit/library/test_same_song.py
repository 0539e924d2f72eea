"""Two songs are the same by one rule, of which each step and each exception has its example."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.same_song import Catalogue, Named, plain_title

RAIN = Named("Rain", "Ann", album="Blue", duration_seconds=200)


def found(song: Named, *among: Named) -> int | None:
    return Catalogue(among).find(song)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rain", "RAIN"),
        ("Jóga", "Joga"),
        ("Rain - Remastered 2011", "Rain"),
        ("Rain (2009 Remaster)", "Rain - 2009 - Remaster"),
        ("Rain (feat. Bob)", "Rain"),
        ("Don’t Stop", "Don't stop!"),
        ("Salt & Pepper", "Salt and Pepper"),
        ("Rain (Album Version)", "Rain"),
    ],
)
def test_titles_that_name_the_same_recording(one: str, other: str) -> None:
    assert plain_title(one) == plain_title(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rain (Live)", "Rain"),
        ("Rain - Acoustic", "Rain"),
        ("Rain (Bob Remix)", "Rain"),
        ("7 rings", "rings"),
        ("Stay (With Me)", "Stay"),
        ("!!!", "???"),
    ],
)
def test_titles_that_name_others(one: str, other: str) -> None:
    assert plain_title(one) != plain_title(other)


@pytest.mark.parametrize(
    "artist",
    ["ann", "The Ann", "Ann, The", "Ann & Bob", "Ann feat. Bob", "Ann; Bob"],
)
def test_artists_that_are_the_same(artist: str) -> None:
    assert found(replace(RAIN, artist=artist), RAIN) == 0


def test_any_artist_of_a_file_that_has_several_names_it() -> None:
    file = replace(RAIN, artist="Ann, Bob", artists=("Ann", "Bob"))
    assert found(replace(RAIN, artist="Bob"), file) == 0
    assert found(replace(RAIN, artist="Cleo"), file) is None


def test_a_name_with_a_comma_is_not_that_of_who_stands_behind_it() -> None:
    assert found(replace(RAIN, artist="Earth, Wind & Fire"), replace(RAIN, artist="Fire")) is None


def test_lengths_may_differ_a_little_and_no_more() -> None:
    assert found(replace(RAIN, duration_seconds=204), RAIN) == 0
    assert found(replace(RAIN, duration_seconds=204.1), RAIN) is None
    assert found(replace(RAIN, duration_seconds=None), RAIN) == 0


def test_a_recordings_id_is_surer_than_its_name() -> None:
    named = replace(RAIN, isrc=None)
    known = Named("Regen", "Anna", isrc="GBAYE9800001", duration_seconds=230)
    assert found(replace(RAIN, isrc="GBAYE9800001"), named, known) == 1
    by_mbid = replace(known, isrc=None, recording_mbid="m")
    assert found(replace(RAIN, recording_mbid="m"), named, by_mbid) == 1
    assert found(replace(RAIN, isrc="GBAYE9800002"), named, known) == 0


def test_a_path_is_found_by_its_end_where_title_or_artist_agrees() -> None:
    place = "file:///Users/ann/Music/Ann/Blue/03%20Rain.mp3"
    file = Named("Rain", None, place="Ann/Blue/03 Rain.mp3")
    other = Named("Other", "Cleo", place="Ann/Blue/03 Rain.mp3")
    assert found(replace(RAIN, place=place), file) == 0
    assert found(replace(RAIN, place="C:\\Music\\Ann\\BLUE\\03 Rain.mp3"), file) == 0
    assert found(replace(RAIN, place=place), other) is None
    assert found(replace(RAIN, place="/elsewhere/03 Rain.mp3"), file) is None
    assert found(replace(RAIN, place=place), file, replace(file, place="x/Blue/03 Rain.mp3")) == 0
    twice = replace(file, place="copy/Ann/Blue/03 Rain.mp3")
    assert found(replace(RAIN, place="Blue/03 Rain.mp3"), file, twice) is None


def test_of_several_the_one_on_the_same_album_is_taken() -> None:
    best_of = replace(RAIN, album="Best of", duration_seconds=199.9)
    assert found(replace(RAIN, duration_seconds=199.9), best_of, RAIN) == 1
    assert found(replace(RAIN, album="Blue (Remastered)"), best_of, RAIN) == 1


def test_without_the_album_the_nearest_in_length_is_taken() -> None:
    best_of = replace(RAIN, album="Best of", duration_seconds=203)
    assert found(replace(RAIN, album="Deluxe", duration_seconds=202), RAIN, best_of) == 1
    assert found(replace(RAIN, album=None, duration_seconds=201), RAIN, best_of) == 0


def test_without_lengths_several_albums_leave_it_open_and_copies_do_not() -> None:
    live = replace(RAIN, album="On tour", duration_seconds=250)
    wanted = Named("Rain", "Ann", album="Deluxe")
    assert found(wanted, RAIN, live) is None
    assert found(wanted, RAIN, RAIN) == 0
    assert found(replace(wanted, album="On Tour"), RAIN, live) == 1


def test_a_title_alone_names_nothing() -> None:
    assert found(Named("Rain"), RAIN, Named("Rain")) is None


_texts = st.text(max_size=30)
_songs = st.builds(
    Named,
    title=_texts,
    artist=st.none() | _texts,
    artists=st.lists(_texts, max_size=3).map(tuple),
    album=st.none() | _texts,
    duration_seconds=st.none() | st.floats(0, 1_000),
    isrc=st.none() | _texts,
    place=st.none() | _texts,
)


@given(song=_songs, among=st.lists(_songs, max_size=4))
def test_any_texts_are_compared_and_a_song_is_found_among_others(
    song: Named, among: list[Named]
) -> None:
    at = found(song, *among)
    assert at is None or 0 <= at < len(among)
    named = replace(song, artist="Ann", title="Rain")
    assert found(named, named) == 0
