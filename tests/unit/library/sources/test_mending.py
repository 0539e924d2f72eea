"""Texts in a wrong encoding are mended where that is certain, and left alone where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import ID3, TALB, TIT2, TPE1

from library.sources.folder import FolderSource
from library.sources.mending import encoding_of, mended

ALBUMS = {
    "cp1251": ("Группа крови", "Закрой за мной дверь", "Война", "Спокойная ночь", "Кино"),
    "koi8_r": ("Группа крови", "Закрой за мной дверь", "Война", "Спокойная ночь", "Кино"),
    "cp932": ("上を向いて歩こう", "坂本九", "涙くんさよなら", "見上げてごらん夜の星を"),
    "cp1253": ("Χάρις Αλεξίου", "Πρώτη μέρα", "Θεσσαλονίκη", "Όλα σε θυμίζουν"),
    "big5": ("月亮代表我的心", "鄧麗君", "甜蜜蜜", "小城故事", "何日君再來"),
    "cp1256": ("أم كلثوم", "الأطلال", "انت عمري", "فيروز"),
    "utf-8": ("Ágætis byrjun", "Svefn-g-englar", "Starálfur"),
}
#: Texts of the West, of which Latin-1 holds every letter.
WEST = (
    "Ágætis byrjun", "Starálfur", "Flugufrelsarinn", "Ný batterí", "Hjartað hamast", "Viðrar vel",
    "Ääliö, älä lyö, ööliä läikkyy", "Höyryävää öljyä", "Blåbärssylt på ön", "Größenwahn",
    "À bientôt, Édith", "L'été indien", "Ça plane pour moi", "Corazón partío", "Niño y niña",
    "Ó Æther", "Ø", "ÅÄÖ", "ÜÖÄ", "çà et là", "São Paulo, coração", "Ünlü", "El Niño", "Motörhead",
    "Mötley Crüe", "Blue Öyster Cult", "Sigur Rós", "Beyoncé", "50 ¢", "½ Man", "¿Qué?", "naïve",
)  # fmt: skip


def misread(text: str, encoding: str) -> str:
    return text.encode(encoding).decode("latin-1")


@pytest.mark.parametrize("encoding", ALBUMS)
def test_an_album_in_another_encoding_is_mended(encoding):
    wrong = [misread(text, encoding) for text in ALBUMS[encoding]]
    found = encoding_of(wrong)
    assert tuple(mended(text, found) for text in wrong) == ALBUMS[encoding]


@pytest.mark.parametrize("encoding", ["cp1251", "cp932", "cp1253", "big5"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_word_or_two_are_left_alone(encoding, count):
    assert encoding_of([misread(text, encoding) for text in ALBUMS[encoding][-count:]]) is None


@given(st.lists(st.sampled_from(WEST), max_size=20))
def test_texts_of_the_west_stay_as_they_are(texts):
    assert encoding_of(texts) is None


def test_punctuation_of_windows_is_mended_in_texts_of_the_west():
    wrong = [misread(text, "cp1252") for text in ("Don’t – stop…", "Æther", "Œuvre")]
    found = encoding_of(wrong)
    assert [mended(text, found) for text in wrong] == ["Don’t – stop…", "Æther", "Œuvre"]


def test_a_text_that_id3v1_has_cut_within_a_letter_loses_that_letter():
    title = "上を向いて歩こう涙くんさよなら"
    wrong = title.encode("cp932")[:29].decode("latin-1")
    assert mended(wrong, "cp932") == title[:14]


@given(st.text(max_size=40), st.sampled_from([*ALBUMS, "cp1252", None]))
def test_any_text_is_mended_or_left_alone(text, encoding):
    mended(text, encoding).encode()


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=30), max_size=8))
def test_any_album_is_looked_at_without_an_error(texts):
    encoding = encoding_of(texts)
    for text in texts:
        mended(text, encoding).encode()


def song(path: Path, title: str, encoding: str | None) -> None:
    """A song whose tags claim to be Latin-1, or say that they are UTF-16."""
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, [0.0] * 44100, 44100)
    tags = ID3()
    kind = 0 if encoding else 1
    shown = misread(title, encoding) if encoding else title
    tags.add(TIT2(encoding=kind, text=[shown]))
    tags.add(TPE1(encoding=kind, text=[misread("Кино", encoding) if encoding else "Êèíî"]))
    tags.add(TALB(encoding=3, text=["Ünïcode"]))
    tags.save(path)


def test_a_song_is_mended_by_the_songs_beside_it_alone(tmp_path):
    titles = ALBUMS["cp1251"]
    for number, title in enumerate(titles):
        song(tmp_path / "Kino" / f"{number}.mp3", title, "cp1251")
    song(tmp_path / "Kino" / "west.mp3", "Über", None)
    song(tmp_path / "Alone" / "1.mp3", "Война", "cp1251")
    source = FolderSource(tmp_path)
    read = [source.read_song(name) for name in source.scan().songs]
    alone, *kino, west = read
    assert [(s.title, s.artist, s.artists, s.album) for s in kino] == [
        (title, "Кино", ("Кино",), "Ünïcode") for title in titles
    ]
    # What is said to be UTF-16 is so, and of one song nothing is certain.
    assert (west.title, west.artist) == ("Über", "Êèíî")
    assert alone.title == misread("Война", "cp1251")
