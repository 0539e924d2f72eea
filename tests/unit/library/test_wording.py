"""What titles and albums tell: words, guests, and what kind of title it is."""

from __future__ import annotations

import pytest

from library.matching.wording import form, guests, words


@pytest.mark.parametrize(
    ("title", "named"),
    [
        ("Song", []),
        ("Song (feat. A & B)", ["A", "B"]),
        ("Song ft. Ann, Bob and Cy", ["Ann", "Bob", "Cy"]),
        ("Song [Featuring DJ X]", ["DJ X"]),
        ("Song (with Ann) - Remix", ["Ann"]),
        ("Song with a Heart", []),
        ("Feather", []),
        ("Left feat", []),
    ],
)
def test_guests_are_read_from_a_title(title: str, named: list[str]) -> None:
    assert guests(title) == named


def test_words_are_of_title_and_album_in_any_letters_each_once() -> None:
    assert words("¿Qué? (En Vivo)", "En Vivo") == ["qué", "(", "en", "vivo"]
    assert words("夜 7", None) == ["夜", "7"]


def test_a_form_tells_singles_brackets_and_what_stands_behind_a_dash() -> None:
    assert form("Night Songs Go", "Night songs go (Remixes)") == (True, False, False)
    assert form("Night (Live)", "Day") == (False, True, False)
    assert form("Night - Remastered", None) == (False, False, True)
