"""Hidden characters are shown as numbers, and all others are left as they are."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

import pytest

from web.visible import finalize, visible

CLIENT = Path(__file__).parents[3] / "web/client/src/visible.ts"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Café del Mar",
        "عربي ١٢٣",
        "שיר (אהבה)",
        "日本語",
        "👩‍👩‍👧",  # joined by letters of no width, which names need
        "a\u200fb",
        "line\nline\ttab",
        "\u00ad",
    ],
)
def test_a_name_is_left_as_it_is(text):
    assert visible(text) == text


@pytest.mark.parametrize("text", ["\u202e", "\u2066", "\x00", "\x1b", "\r", "\x85", "\u2028"])
def test_characters_that_turn_hide_or_break_their_surroundings_are_numbers(text):
    assert visible(f"a{text}b") == f"a[U+{ord(text):04X}]b"


def test_no_letter_that_embeds_overrides_or_isolates_is_forgotten():
    kinds = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    found = [c for c in map(chr, range(sys.maxunicode)) if unicodedata.bidirectional(c) in kinds]
    assert len(found) == 9
    assert all(visible(letter) != letter for letter in found)


def test_markup_and_numbers_are_not_texts_of_others():
    from markupsafe import Markup

    markup = Markup("<b>\u202e</b>")
    assert finalize(markup) is markup
    assert finalize(3) == 3
    assert finalize("\u202e") == "[U+202E]"


def test_the_client_shows_the_same():
    from web import visible as module

    (pattern,) = re.findall(r"HIDDEN = /(.*)/g;", CLIENT.read_text())
    assert pattern.encode().decode("unicode_escape") == module._HIDDEN.pattern
