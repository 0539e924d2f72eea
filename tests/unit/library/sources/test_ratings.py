"""Stars are read as each program writes them."""

from __future__ import annotations

from typing import Any

import mutagen
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import ID3, POPM, TXXX

from library.sources.ratings import stars_of
from library.sources.tags import read_tags


def popm(rating: int, email: str = "MusicBee") -> POPM:
    return POPM(email=email, rating=rating, count=0)


@pytest.mark.parametrize(
    ("byte", "stars"),
    [(0, None), (1, 1), (31, 1), (54, 2), (64, 2), (118, 3), (128, 3), (186, 4), (196, 4),
     (223, 4), (242, 5), (255, 5)],
)  # fmt: skip
def test_a_byte_of_popm_is_as_many_stars_as_players_read_it(byte, stars):
    assert stars_of({"popm:musicbee": popm(byte)}) == stars


@pytest.mark.parametrize(
    ("tags", "stars"),
    [
        ({}, None),
        ({"rating": ["80"]}, 4),
        ({"rating": ["4"]}, 4),
        ({"rating": ["100"]}, 5),
        ({"rating": ["0"]}, None),
        ({"rating": ["0.8"]}, 4),
        ({"rating": ["five"]}, None),
        ({"rating:ann@example.org": ["0.8"]}, 4),
        ({"fmps_rating": ["0.6"]}, 3),
        ({"fmps_rating": ["0.0"]}, 0),
        ({"----:com.apple.itunes:fmps_rating": [b"1.0"]}, 5),
        ({"rate": ["80"]}, 4),
        ({"wm/shareduserrating": ["1"]}, 1),
        ({"wm/shareduserrating": ["75"]}, 4),
        ({"wm/shareduserrating": ["99"]}, 5),
        ({"wm/shareduserrating": ["0"]}, None),
        ({"popm:a": popm(64), "popm:b": popm(255)}, 5),
        ({"popm:a": popm(255), "fmps_rating": ["0.2"]}, 1),
    ],
)
def test_every_program_has_its_way(tags, stars):
    assert stars_of(tags) == (None if stars is None else pytest.approx(stars))


@given(st.text() | st.floats() | st.integers() | st.binary() | st.lists(st.text()))
def test_any_value_is_stars_or_none(value):
    for key in ("rating", "rate", "fmps_rating", "wm/shareduserrating", "rating:x"):
        stars = stars_of({key: value})
        assert stars is None or 0 <= stars <= 5


def test_stars_are_read_of_files(tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, [0.0] * 44100, 44100)
    tags = ID3()
    tags.add(popm(196))
    tags.save(path)
    assert read_tags(path).rating_stars == 4
    tags.add(TXXX(encoding=3, desc="FMPS_Rating", text=["1.0"]))
    tags.save(path)
    assert read_tags(path).rating_stars == 5
    soundfile.write(tmp_path / "a.ogg", [0.0] * 44100, 44100)
    file: Any = mutagen.File(tmp_path / "a.ogg")
    file["RATING"] = "60"
    file.save()
    assert read_tags(tmp_path / "a.ogg").rating_stars == 3
