"""Wording: what can be read in the titles and albums of songs, in whatever language."""

from __future__ import annotations

import re

#: A word, however short, or a mark that goes with a kind of title: "(Live)", "A & B", "Don't".
_WORD = re.compile(r"[^\W_]+|[(\[&']")
_GUESTS = re.compile(
    r"[(\[]?\b(?:feat|ft|featuring)\b\.?\s+([^)\]]+)|[(\[]with\s+([^)\]]+)", re.IGNORECASE
)
_BETWEEN = re.compile(r"\s*[,&/]\s*|\s+(?:and|x)\s+", re.IGNORECASE)
#: Titles and albums that begin with as many of the same letters have one name.
_SAME_LETTERS = 12


def words(title: str, album: str | None) -> list[str]:
    """The words of a title and its album, each once."""
    return list(dict.fromkeys(_WORD.findall(f"{title} {album or ''}".casefold())))


def guests(title: str) -> list[str]:
    """The artists that a title names: "Song (feat. A & B)" has two."""
    found = _GUESTS.search(title)
    if found is None:
        return []
    return [name for name in _BETWEEN.split(found.group(1) or found.group(2)) if name]


def form(title: str, album: str | None) -> tuple[bool, bool, bool]:
    """Whether it is a single, has something in brackets, and has something after a dash.

    A single's album has its name; remixes, remasters and live takes say so behind a title.
    """
    beginning = title.casefold()[:_SAME_LETTERS]
    is_single = beginning == (album or "").casefold()[:_SAME_LETTERS]
    return is_single, "(" in title, " - " in title
