"""A file's name and folders tell what its tags lack, and no title loses its number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.sources.names_of_files import Told, told_by_name

NUMBERED = ("1 One.mp3", "2 Two.mp3", "7 rings.mp3", "12 Rain.mp3")


def told(name: str, *siblings: str) -> tuple[int | None, str | None, str]:
    found = told_by_name(name, siblings)
    return found.track_number, found.artist, found.title


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("7 rings", (None, None, "7 rings")),
        ("99 Luftballons", (None, None, "99 Luftballons")),
        ("50 Ways to Leave Your Lover", (None, None, "50 Ways to Leave Your Lover")),
        ("2_be_loved", (None, None, "2 be loved")),
        ("7-Eleven", (None, None, "7-Eleven")),
        ("24-7 Spyz", (None, None, "24-7 Spyz")),
        ("1-800-273-8255", (None, None, "1-800-273-8255")),
        ("1999", (None, None, "1999")),
        ("01", (None, None, "01")),
        ("4.44", (None, None, "4.44")),
        ("1979 - Live", (None, "1979", "Live")),
        ("2 Unlimited - No Limit", (None, "2 Unlimited", "No Limit")),
        (" - ", (None, None, "-")),
        ("07 Rain", (7, None, "Rain")),
        ("07 - Rain", (7, None, "Rain")),
        ("7 - Rain", (7, None, "Rain")),
        ("07. Rain", (7, None, "Rain")),
        ("7. Rain", (7, None, "Rain")),
        ("7) Rain", (7, None, "Rain")),
        ("07_Rain_Dogs", (7, None, "Rain Dogs")),
        ("07-rain", (7, None, "rain")),
        ("107 - Rain", (107, None, "Rain")),
        ("01-03 - Rob - Drink", (3, "Rob", "Drink")),
        ("1-03 Drink", (3, None, "Drink")),
        ("02 - Robert van Herk - City Blues", (2, "Robert van Herk", "City Blues")),
        ("Rob - City - Blues", (None, "Rob", "City - Blues")),
        ("Rob - 03 - Drink", (3, "Rob", "Drink")),
        ("Rob – Drink", (None, "Rob", "Drink")),
        ("Jay-Z", (None, None, "Jay-Z")),
    ],
)
def test_a_name_is_a_number_an_artist_and_a_title_where_it_is_certain(name, expected):
    assert told(f"{name}.mp3") == expected


def test_where_all_files_of_a_folder_are_numbered_so_is_each():
    assert told("12 Rain.mp3", *NUMBERED) == (12, None, "Rain")
    assert told("7 rings.mp3", *NUMBERED) == (7, None, "rings")
    others = ("7 rings.mp3", "Thank u next.mp3", "Needy.mp3", "12 Rain.mp3")
    assert told("7 rings.mp3", *others) == (None, None, "7 rings")
    # One number more often than others is no numbering.
    assert told("99 Luftballons.mp3", *(f"99 L{n}.mp3" for n in range(9)))[0] is None


def test_an_album_in_the_middle_of_a_name_is_its_album():
    found = told_by_name("Rob - Songs - 03 - Drink.mp3")
    assert (found.artist, found.album, found.track_number, found.title) == (
        "Rob", "Songs", 3, "Drink",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ("Rob/Songs", ("Rob", "Songs", None)),
        ("Music/Rob/Songs", ("Rob", "Songs", None)),
        ("Rob/(1998) Songs", ("Rob", "Songs", 1998)),
        ("Rob/[1998] Songs", ("Rob", "Songs", 1998)),
        ("Rob/1998 - Songs", ("Rob", "Songs", 1998)),
        ("Rob/Songs (1998)", ("Rob", "Songs", 1998)),
        ("Rob/1984", ("Rob", "1984", None)),
        ("Rob/Songs/CD 2", ("Rob", "Songs", None)),
        ("Rob/Songs/Disc1", ("Rob", "Songs", None)),
        ("Rob/Rob - Songs", ("Rob", "Songs", None)),
        ("Rob - Songs", ("Rob", "Songs", None)),
        ("Rob - 1998 - Songs", ("Rob", "Songs", 1998)),
        ("Rob - Songs (1998)", ("Rob", "Songs", 1998)),
        ("The_Robs/Songs_of_Rob", ("The Robs", "Songs of Rob", None)),
        ("Various Artists/Hits", (None, "Hits", None)),
        ("Music/Songs", (None, "Songs", None)),
        ("Songs", (None, None, None)),
        ("", (None, None, None)),
    ],
)
def test_folders_tell_artist_album_and_year_of_a_numbered_file(folders, expected):
    found = told_by_name(f"{folders}/03 Drink.mp3" if folders else "03 Drink.mp3")
    assert (found.artist, found.album, found.year) == expected
    assert (found.track_number, found.title) == (3, "Drink")


def test_folders_tell_nothing_of_a_file_without_a_number():
    assert told_by_name("Rock/Live/Drink.mp3") == Told("Drink")


@given(st.text(min_size=1, max_size=40).filter(lambda name: name.strip("/.")))
def test_any_name_gives_a_title(name):
    assert told_by_name(name, [name]).title
