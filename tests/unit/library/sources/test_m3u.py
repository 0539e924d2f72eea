"""A playlist of lines is read in any encoding."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.sources.lists import SongList
from library.sources.m3u import parse_m3u, parse_pls


def entries(data: bytes, *existing: str) -> tuple[str, ...]:
    found = parse_m3u(data, lambda entry: entry.places[0] in existing)
    return tuple(place for entry in found.entries for place in entry.places)


def test_each_line_is_an_entry_and_the_last_needs_no_end():
    assert entries(b"one.ogg\ntwo.ogg") == ("one.ogg", "two.ogg")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(end):
    assert entries(f"#EXTM3U{end}a.ogg{end}{end}b.ogg{end}".encode()) == ("a.ogg", "b.ogg")


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_name_may_hold_what_only_python_takes_for_a_line_end(character):
    name = f"a{character}b.ogg"
    assert entries(f"{name}\nc.ogg\n".encode(), name) == (name, "c.ogg")


def test_comments_and_blank_lines_are_no_entries():
    data = b"#EXTM3U\n#EXTINF:12,Artist - Title\n \t\n# a note\n  a.ogg  \n"
    assert entries(data) == ("a.ogg",)


@pytest.mark.parametrize("line", ["#PLAYLIST:Quiet evenings", "#playlist: Quiet evenings "])
def test_a_playlist_may_say_its_name(line):
    assert parse_m3u(line.encode()).name == "Quiet evenings"


def test_an_empty_name_is_none():
    assert parse_m3u(b"#PLAYLIST:  \n").name is None


@pytest.mark.parametrize(
    ("bom", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_byte_order_mark_says_the_encoding_and_is_no_part_of_a_name(bom, encoding):
    assert entries(bom + "Über.ogg\r\n日本.ogg".encode(encoding)) == ("Über.ogg", "日本.ogg")


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Café.ogg", "utf-8"),
        ("Café.ogg", "latin-1"),
        ("Don’t – stop.ogg", "cp1252"),
        ("Музыка.ogg", "cp1251"),
        ("音楽.ogg", "shift_jis"),
        ("Hősök.ogg", "cp1250"),
        ("Μουσική.ogg", "cp1253"),
        ("Şöğüt.ogg", "cp1254"),
        ("음악.ogg", "cp949"),
        ("音樂.ogg", "big5"),
        ("שיר.ogg", "cp1255"),
        ("Музыка.ogg", "koi8-r"),
        ("Café.ogg", "mac_roman"),
        ("Café.ogg", "cp850"),
        ("音乐.ogg", "gb18030"),
    ],
)
def test_the_encoding_is_the_one_under_which_the_files_exist(name, encoding):
    assert entries(name.encode(encoding), name) == (name,)


def test_the_encoding_that_finds_more_files_wins():
    # Read as cp1252, which is tried before, the second name exists too, but not the first.
    names = ("音楽.ogg", "東京.ogg")
    alike = "東京.ogg".encode("shift_jis").decode("cp1252")
    assert entries("\n".join(names).encode("shift_jis"), *names, alike) == names


def test_where_no_file_tells_the_encoding_a_name_that_is_utf_8_is_read_so():
    assert entries("Café.ogg".encode()) == ("Café.ogg",)


def test_where_no_file_tells_the_encoding_what_is_no_utf_8_is_of_the_west():
    assert entries("Café.ogg".encode("cp1252")) == ("Café.ogg",)


def test_bytes_of_no_encoding_stay_as_the_file_system_has_them():
    assert entries(b"Caf\xe9.ogg", "Caf\udce9.ogg") == ("Caf\udce9.ogg",)


def test_what_a_line_says_of_its_song_goes_with_it_alone():
    found = parse_m3u(b"#EXTINF:12,Artist - Title\na.ogg\nb.ogg\n#EXTINF:1,\nc.ogg").entries
    assert [entry.label for entry in found] == ["Artist - Title", None, None]


def test_entries_of_pls_come_in_the_order_of_their_numbers():
    data = b"[playlist]\r\nFile2=b.ogg\r\nTitle2=B\r\nFile10=c.ogg\r\nfile1=a.ogg\r\nLength1=7\r\n"
    found = parse_pls(data + b"NumberOfEntries=3\r\nVersion=2\r\n").entries
    assert [entry.places for entry in found] == [("a.ogg",), ("b.ogg",), ("c.ogg",)]
    assert [entry.label for entry in found] == [None, "B", None]


def test_the_encoding_of_pls_is_the_one_under_which_the_files_exist():
    data = "[playlist]\nFile1=Музыка.ogg\n".encode("cp1251")
    assert parse_pls(data, lambda entry: entry.places[0] == "Музыка.ogg").entries[0].places == (
        "Музыка.ogg",
    )


def test_an_empty_playlist_has_no_entries():
    assert parse_m3u(b"") == SongList(())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data):
    for entry in parse_m3u(data).entries:
        assert entry.places[0]
        assert "\n" not in entry.places[0]


@given(st.lists(st.text("abc äé日/.-'#%", min_size=1, max_size=20), max_size=10))
def test_what_is_written_in_utf_8_is_read_again(names):
    names = [name.strip() for name in names if name.strip() and not name.strip().startswith("#")]
    assert entries("\n".join(names).encode(), *names) == tuple(names)
