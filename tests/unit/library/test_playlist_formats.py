"""A playlist that is written is read again as it was, whatever its songs are called."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library.playlist_formats import ListedFile, jspf, m3u8, xspf
from library.sources.playlist_files import parse_file

WRITERS = {"m3u8": m3u8, "xspf": xspf, "jspf": jspf}
#: What file systems take, but for line ends and blanks at an end, which M3U cannot say.
names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20
).filter(lambda text: text == text.strip() and text not in (".", "..") and not {*"\\%"} & {*text})
places = st.lists(names.filter(lambda text: "/" not in text), min_size=1, max_size=3).map("/".join)
songs = st.lists(
    st.builds(
        ListedFile,
        places,
        names,
        st.none() | names,
        st.none() | names,
        st.none() | st.floats(1, 10_000),
    ),
    max_size=4,
)


@pytest.mark.parametrize("form", WRITERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(listed=songs, name=names)
def test_places_and_their_order_come_back(
    tmp_path: Path, form: str, listed: list[ListedFile], name: str
) -> None:
    file = tmp_path / f"list.{form}"
    file.write_bytes(b"".join(WRITERS[form](name, listed)))
    (found,) = parse_file(file, lambda _: True)
    for song, entry in zip(listed, found.entries, strict=True):
        assert song.place in {unquote(place).removeprefix("./") for place in entry.places}
    if form != "m3u8":
        assert found.name == name


def test_a_file_that_is_no_utf_8_and_a_name_of_several_lines_are_written() -> None:
    odd = ListedFile("a\udcff/#b\nc.mp3", "Line one\nline two", "\x00Artist", None, 61.6)
    text = b"".join(m3u8("A\nlist", [odd]))
    assert text.splitlines() == [
        b"#EXTM3U",
        b"#PLAYLIST:A list",
        b"#EXTINF:62,\x00Artist - Line one line two",
        b"a\xff/#b c.mp3",
    ]
    assert b"a%FF/%23b%0Ac.mp3" in b"".join(xspf("A", [odd]))
    assert json.loads(b"".join(jspf("A", [odd])))["playlist"]["track"][0]["duration"] == 61_600


def test_a_place_that_would_be_a_comment_is_none() -> None:
    assert b"\n./#1 hit.mp3\n" in b"".join(m3u8("A", [ListedFile("#1 hit.mp3", "Hit")]))
