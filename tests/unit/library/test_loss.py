"""A loss that a person would make by hand is believed, one that a disk makes is asked about."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.loss import FEW, MANY, VERY_MANY, Known, Loss, assess

SOURCE = uuid4()


def names(folder: str, count: int, ending: str = "ogg") -> list[str]:
    return [f"{folder}{n:05}.{ending}" for n in range(count)]


def lose(
    songs: Sequence[str],
    missing: Sequence[str],
    *,
    still_there: Collection[str] = (),
    playlists: Sequence[str] = (),
    missing_playlists: Sequence[str] = (),
    liked: dict[str, int] | None = None,
    source_id: UUID = SOURCE,
    is_expected: bool = False,
) -> Loss:
    return assess(
        Known(songs, playlists, liked or {}),
        missing_songs=missing,
        missing_playlists=missing_playlists,
        top_folders=still_there,
        source_id=source_id,
        is_expected=is_expected,
    )


class TestBelieved:
    @pytest.mark.parametrize(
        ("known", "missing"),
        [(3, 2), (12, 11), (49, 48), (100, 49), (100, 50), (20_000, VERY_MANY - 1)],
    )
    def test_a_few_of_a_library_or_less_than_half_of_it(self, known, missing):
        songs = names("", known)
        assert not lose(songs, songs[:missing]).is_too_much

    def test_nothing_at_all(self):
        assert not lose(names("a/", 100), []).is_too_much
        assert not lose([], []).is_too_much

    def test_an_album_or_an_artist_that_is_deleted_with_its_folder(self):
        gone, stays = names("Abba/", MANY - 1), names("Bach/", 100)
        assert not lose([*gone, *stays], gone, still_there={"Bach"}).is_too_much

    def test_a_few_songs_of_a_folder_that_is_still_there(self):
        gone, stays = names("Singles/", FEW - 1), names("Bach/", 100)
        assert not lose([*gone, *stays], gone, still_there={"Singles", "Bach"}).is_too_much

    def test_all_of_a_few_playlists(self):
        lists = names("", FEW - 1, "m3u")
        found = lose(names("", 9), [], playlists=lists, missing_playlists=lists)
        assert not found.is_too_much

    def test_a_loss_that_the_person_expects_is_believed(self):
        songs = names("a/", 20_000)
        assert not lose(songs, songs, is_expected=True).is_too_much


class TestAskedAbout:
    @pytest.mark.parametrize("known", [1, 2, 3, 12, 20_000])
    def test_a_library_of_which_nothing_is_left(self, known):
        songs = names("", known)
        assert lose(songs, songs).is_too_much

    @pytest.mark.parametrize(("known", "missing"), [(MANY + 1, MANY), (20_000, 10_001)])
    def test_more_than_half_of_many(self, known, missing):
        songs = names("", known)
        assert lose(songs, songs[:missing]).is_too_much

    def test_very_many_whatever_their_share(self):
        songs = [f"{n % 100}/{n}.ogg" for n in range(50_000)]
        assert lose(songs, songs[:VERY_MANY], still_there=map(str, range(100))).is_too_much

    def test_most_of_a_top_folder(self):
        disk, rest = names("Disk/", 2 * MANY), names("Rest/", 10_000)
        assert lose([*disk, *rest], disk[: MANY + 1], still_there={"Rest"}).is_too_much

    def test_a_folder_that_is_still_there_and_empty(self):
        disk, rest = names("Disk/", FEW), names("Rest/", 10_000)
        assert lose([*disk, *rest], disk, still_there={"Disk", "Rest"}).is_too_much

    def test_all_of_several_playlists(self):
        lists = names("", FEW, "m3u")
        assert lose(names("", 9), [], playlists=lists, missing_playlists=lists).is_too_much

    def test_the_list_of_all_liked_songs(self):
        found = lose(
            names("", 9),
            [],
            playlists=["liked.m3u", "other.m3u"],
            missing_playlists=["liked.m3u"],
            liked={"liked.m3u": FEW},
        )
        assert found.is_too_much


class TestKey:
    def test_it_names_a_loss_whatever_its_order(self):
        songs = names("", 9)
        assert lose(songs, songs[:3]).key == lose(songs[::-1], songs[2::-1]).key

    @given(
        st.lists(st.sets(st.sampled_from("abcde")), min_size=2, max_size=2),
        st.lists(st.sets(st.sampled_from("abcde")), min_size=2, max_size=2),
    )
    def test_another_loss_has_another_one(self, one, other):
        def key(parts):
            songs, lists = map(sorted, parts)
            known = list("abcde")
            return lose(known, songs, playlists=known, missing_playlists=lists).key

        assert (key(one) == key(other)) == (one == other)

    def test_the_same_names_in_another_source_have_another_one(self):
        songs = names("", 9)
        assert lose(songs, songs).key != lose(songs, songs, source_id=uuid4()).key


class TestShown:
    def test_it_says_how_many_by_top_folder_the_largest_first_with_examples(self):
        songs = [*names("Small/", 9), *names("Large/", 99), *names("", 3), "Rest/a.ogg"]
        found = lose(songs, songs[:-1]).as_json()
        assert found["songs"] == {"missing": 111, "known": 112}
        assert [(f["name"], f["missing"], f["known"]) for f in found["folders"]] == [
            ("Large", 99, 99),
            ("Small", 9, 9),
            ("", 3, 3),
        ]
        assert found["folders"][0]["examples"] == names("", 3)

    def test_it_fits_a_jobs_row_however_long_the_names_are(self):
        songs = [f"{'é' * 300}{n % 40}/{'ü' * 300}{n}.ogg" for n in range(4_000)]
        found = lose(songs, songs).as_json()
        assert len(json.dumps(found, ensure_ascii=False)) < 4_000
        assert (len(found["folders"]), found["moreFolders"]) == (8, 32)

    def test_its_sentence_says_what_is_missing_and_what_to_do(self):
        songs, lists = names("", 20_000), names("", 12, "m3u")
        said = lose(songs, songs[1_337:], playlists=lists, missing_playlists=lists).sentence("It")
        assert said.startswith(
            "It lacks 18,663 of 20,000 songs and 12 of 12 playlists that it had before. "
            "Nothing was removed."
        )
        assert "lacks 1 of 1 song that it had" in lose(["a"], ["a"]).sentence("It")
