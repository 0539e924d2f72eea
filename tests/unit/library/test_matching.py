"""A matcher's guarantees for any library, and proposals that a person would agree with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from library.matching import Matcher, Playlist, Proposal, Songs
from library.matching.matcher import LEAST_SCORE, MAX_PROPOSALS
from library.matching.signals import SIGNALS, Signals
from library.matching.trial import Tally, hide
from library.matching.weights import read

SIZE = 4


@dataclass(frozen=True)
class Song:
    title: str = ""
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    sound: tuple[float, ...] | None = None


def in_columns(rows: Sequence[Song]) -> Songs:
    silent = (math.nan,) * SIZE
    return Songs(
        ids=[f"s{n:03}" for n in range(len(rows))],
        titles=[row.title for row in rows],
        artists=[row.artist for row in rows],
        albums=[row.album for row in rows],
        years=np.array([row.year or math.nan for row in rows], dtype=np.float32),
        sounds=np.array([row.sound or silent for row in rows], dtype=np.float32).reshape(-1, SIZE),
    )


def library(lists: dict[str, Sequence[Song]], *others: Song) -> tuple[Songs, list[Playlist]]:
    """Playlists of songs of their own, and songs that are in none, which come last."""
    rows = [song for songs in lists.values() for song in songs]
    found, start = [], 0
    for name, songs in lists.items():
        found.append(Playlist.of(name, range(start, start + len(songs))))
        start += len(songs)
    return in_columns([*rows, *others]), found


def best(lists: dict[str, Sequence[Song]], asked: Song) -> Proposal:
    songs, playlists = library(lists, asked)
    return Matcher(songs, playlists).propose(np.array([len(songs) - 1]), without={})[0][0]


def cloud(*centre: float, count: int = 8, **known: object) -> list[Song]:
    """Songs that sound about the same."""
    rng = np.random.default_rng(int(sum(centre)))
    sounds = np.array(centre) + rng.normal(0, 1, (count, SIZE))
    return [Song(sound=tuple(row), **known) for row in sounds.tolist()]  # type: ignore[arg-type]


songs_known = st.builds(
    Song,
    title=st.sampled_from(["", "Night Song", "Night Drive", "xyz 7", "Ünlü"]),
    artist=st.sampled_from([None, "", " ", "Ann", "ANN", "Bob", "Cy"]),
    album=st.sampled_from([None, "", "One", "Two"]),
    year=st.sampled_from([None, 0, 1, 1970, 1999, 2020, 9999]),
    sound=st.none() | st.tuples(*[st.floats(-100, 100, width=32)] * SIZE) | st.just((0.0,) * SIZE),
)


@st.composite
def libraries(draw: st.DrawFn) -> tuple[Songs, list[Playlist]]:
    """Songs that know everything, nothing, or anything between; playlists that share some."""
    rows = draw(st.lists(songs_known, min_size=1, max_size=20))
    place = st.integers(0, len(rows) - 1)
    lists = draw(st.lists(st.lists(place, max_size=8), min_size=1, max_size=6))
    return in_columns(rows), [Playlist.of(f"p{n}", some) for n, some in enumerate(lists)]


def members(playlists: Sequence[Playlist], matcher: Matcher) -> dict[int, set[int]]:
    """The columns of the playlists that each song is in."""
    found: dict[int, set[int]] = {}
    for playlist in playlists:
        for place in playlist.songs.tolist():
            column = matcher.column(playlist.playlist_id)
            assert column is not None
            found.setdefault(place, set()).add(column)
    return found


@given(libraries())
def test_proposals_keep_their_promises_for_any_library(given_library):
    songs, playlists = given_library
    matcher = Matcher(songs, playlists)
    without = members([p for p in playlists if len(p.songs)], matcher)
    found = matcher.propose(np.arange(len(songs)), without=without)
    assert len(found) == len(songs)
    for place, proposals in enumerate(found):
        scores = [proposal.score for proposal in proposals]
        assert scores == sorted(scores, reverse=True)
        assert all(LEAST_SCORE <= score <= 1 for score in scores)
        assert sum(scores) <= 1 + 1e-5
        assert len(scores) <= MAX_PROPOSALS
        for proposal in proposals:
            assert proposal.song_id == songs.ids[place]
            assert matcher.column(proposal.playlist_id) not in without.get(place, ())
            assert proposal.reasons
            assert all(proposal.reasons)


@given(libraries())
@settings(max_examples=50)
def test_every_number_is_finite_and_shares_sum_to_one(given_library):
    songs, playlists = given_library
    matcher = Matcher(songs, playlists)
    if matcher.learnt is None:
        return
    found = matcher.chances(np.arange(len(songs)), without={}, none_of=0.2)
    assert np.isfinite(found.signals).all()
    assert found.shares.sum(axis=1) == pytest.approx(np.ones(len(songs)), abs=1e-5)
    assert ((found.none >= 0) & (found.none <= 1)).all()


@given(libraries(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_playlists_and_the_block_of_a_song_change_nothing(given_library, shuffler):
    songs, playlists = given_library
    whole = Matcher(songs, playlists).propose(np.arange(len(songs)), without={})
    shuffled = playlists[:]
    shuffler.shuffle(shuffled)
    matcher = Matcher(songs, shuffled)
    for place, together in enumerate(whole):
        (alone,) = matcher.propose(np.array([place]), without={})
        assert [p.playlist_id for p in alone] == [p.playlist_id for p in together] or (
            # Rounding may part what was level.
            [p.score for p in alone] == pytest.approx([p.score for p in together], abs=1e-4)
        )


@given(libraries())
@settings(max_examples=30)
def test_each_listed_song_is_hidden_once_and_scored_by_lists_without_it(given_library):
    songs, playlists = given_library
    seen: list[int] = []
    tally = Tally()
    for hidden in hide(songs, playlists, weights=read(), none_of=0.2):
        tally.add(hidden)
        seen += hidden.places.tolist()
        left = {p.playlist_id: set(p.songs.tolist()) for p in hidden.matcher.playlists}
        assert all(not left[key] & set(hidden.places.tolist()) for key in left)
        elsewhere, _ = hidden.others()
        assert not elsewhere[hidden.is_in].any()
    assert len(seen) == len(set(seen))
    assert set(seen) <= {place for p in playlists for place in p.songs.tolist()}


def test_a_song_goes_where_songs_sound_like_it_and_they_are_named():
    lists = {
        "calm": cloud(0, 0, 0, 0, title="Quiet", count=20),
        "loud": [*cloud(20, 20, 20, 20, title="Wall", count=20)],
    }
    found = best(lists, Song(sound=(19, 20, 20, 20)))
    assert found.playlist_id == "loud"
    assert found.score > 0.7
    assert "Sounds like “Wall” and “Wall” in it" in found.reasons


def test_a_song_goes_where_its_artist_is():
    lists = {"a": cloud(0, 0, 0, 0, artist="Ann"), "b": cloud(0, 0, 0, 0, artist="Bob")}
    found = best(lists, Song(artist=" bOB "))
    assert (found.playlist_id, found.reasons[0]) == ("b", "8 songs by  bOB  in it")


def test_a_guest_that_the_title_names_is_an_artist_of_the_song():
    lists = {"a": cloud(0, 0, 0, 0, artist="Ann"), "b": cloud(0, 0, 0, 0, artist="Bob")}
    found = best(lists, Song("Night (feat. Bob)", artist="Cy"))
    assert found.playlist_id == "b"
    songs, _ = library(lists, Song("Night (feat. Bob)", artist="Cy"))
    assert songs.by_the_artists_of(16).tolist() == list(range(8, 17))


def test_each_of_several_artists_counts():
    lists = {"a": [Song(artist="Ann")] * 4, "b": [Song(artist="Bob")] * 4}
    songs, playlists = library(lists, Song(artist="Cy & Bob"))
    several = replace(
        songs, several_artists=[*([name] for name in songs.artists[:8]), ["Cy", "Bob"]]
    )
    (together,) = Matcher(songs, playlists).propose(np.array([8]), without={})
    (apart,) = Matcher(several, playlists).propose(np.array([8]), without={})
    assert together[0].score == pytest.approx(0.5)
    assert (apart[0].playlist_id, apart[0].score > 0.9) == ("b", True)


def test_a_song_goes_where_its_album_is():
    lists = {"a": cloud(0, 0, 0, 0, album="One"), "b": cloud(0, 0, 0, 0, album="Two")}
    found = best(lists, Song(album="Two"))
    assert (found.playlist_id, found.reasons[0]) == ("b", "Songs of the album “Two” in it")


def test_a_song_goes_where_its_years_are():
    lists = {"old": cloud(0, 0, 0, 0, year=1971), "new": cloud(0, 0, 0, 0, year=2020)}
    found = best(lists, Song(year=1971))
    assert (found.playlist_id, found.reasons) == ("old", ("From the same years",))


def test_a_song_goes_where_the_words_of_its_title_are():
    lists = {"xmas": [Song("Snow Song")] * 5, "b": [Song("Something")] * 5}
    assert best(lists, Song("Snow in June")).playlist_id == "xmas"


def test_a_song_goes_among_artists_that_its_own_shares_other_playlists_with():
    rock = [Song(artist=name) for name in ("Ann", "Bob", "Cy", "Dee")]
    jazz = [Song(artist=name) for name in ("Eve", "Fay", "Gus", "Hal")]
    lists = {
        "first": [*rock[:3], Song(artist="new")],
        "jazz": jazz,
        "more rock": rock,
    }
    songs, playlists = library(lists, Song(artist="new"))
    signals = Signals(songs, playlists).of(np.array([len(songs) - 1]))
    _, of_jazz, of_rock = signals[SIGNALS.index("company"), 0]
    assert of_rock > of_jazz == 0


def test_songs_that_are_in_no_playlist_change_nothing_but_how_sounds_are_ranked():
    lists = {"a": [Song(artist="Ann", year=1990)] * 4, "b": [Song(artist="Bob", year=2000)] * 4}
    few = best(lists, Song(artist="Ann", year=2000))
    songs, playlists = library(lists, *[Song(artist="Ann", year=2000)] * 50)
    (again,) = Matcher(songs, playlists).propose(np.array([len(songs) - 1]), without={})
    assert again[0].score == pytest.approx(few.score, abs=1e-5)
    assert again[0].reasons == few.reasons == ("4 songs by Ann in it",)


def test_a_song_that_fits_none_is_proposed_for_none():
    lists = {
        "calm": cloud(0, 0, 0, 0, artist="Ann", year=1970, count=40),
        "loud": cloud(9, 9, 9, 9, artist="Bob", year=1980, count=40),
    }
    songs, playlists = library(lists, Song("zzz", "Cy", "Z", 2020, (90, -90, 90, -90)))
    matcher, place = Matcher(songs, playlists), np.array([len(songs) - 1])
    none = matcher.chances(place, without={}, none_of=0.5).none[0]
    fitting = matcher.chances(np.array([0]), without={}, none_of=0.5).none[0]
    assert none > 0.5 > fitting
    assert matcher.propose(place, without={}, none_of=0.5) == [[]]


def test_the_more_songs_are_believed_to_fit_none_the_likelier_that_is():
    songs, playlists = library({"a": cloud(0, 0, 0, 0), "b": cloud(9, 9, 9, 9)}, Song())
    matcher, place = Matcher(songs, playlists), np.array([len(songs) - 1])
    none = [float(matcher.chances(place, without={}, none_of=x).none[0]) for x in (0.1, 0.5, 0.9)]
    assert none == sorted(none)
    assert none[0] < none[2]


def test_a_song_whose_playlists_are_all_left_out_is_proposed_for_none():
    songs, playlists = library({"a": cloud(0, 0, 0, 0), "b": cloud(9, 9, 9, 9)}, Song())
    place = len(songs) - 1
    assert Matcher(songs, playlists).propose(np.array([place]), without={place: {0, 1}}) == [[]]


def test_without_playlists_there_is_nothing_to_propose():
    songs = in_columns([Song()])
    for lists in ([], [Playlist.of("empty", [])]):
        assert Matcher(songs, lists).propose(np.array([0]), without={}) == [[]]
        assert list(hide(songs, lists, weights=read(), none_of=0.2)) == []


def test_level_playlists_stand_in_the_order_of_their_ids():
    songs, playlists = library({name: [Song(artist="Ann")] for name in "cab"}, Song(artist="Ann"))
    (found,) = Matcher(songs, playlists).propose(np.array([3]), without={})
    assert [proposal.playlist_id for proposal in found] == ["a", "b", "c"]
    assert [proposal.score for proposal in found] == pytest.approx([1 / 3] * 3, abs=1e-6)


def test_songs_in_the_right_lists_are_found_and_one_in_the_wrong_list_looks_misplaced():
    lists = {
        "calm": cloud(0, 0, 0, 0, count=15, artist="Ann", year=1970),
        "loud": cloud(9, 9, 9, 9, count=15, artist="Bob", year=2010),
    }
    lists["calm"].append(replace(lists["loud"][0], title="lost"))
    songs, playlists = library(lists)
    tally, misplaced = Tally(), []
    for hidden in hide(songs, playlists, weights=read(), none_of=0.2):
        tally.add(hidden)
        misplaced += hidden.places[hidden.others()[1]].tolist()
    trial = tally.trial()
    assert trial is not None
    assert (trial.songs, trial.hit3) == (31, 1.0)
    assert trial.hit1 == pytest.approx(30 / 31)
    assert [songs.titles[place] for place in misplaced] == ["lost"]


def test_weights_of_other_signals_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("library.matching.weights.SIGNALS", ("sound",))
    with pytest.raises(ValueError, match="learn them anew"):
        read()
