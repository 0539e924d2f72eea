"""A playlist's bytes are read in any encoding and with any kind of path."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.sources import m3u


def entries(data: bytes, *existing: str) -> tuple[str, ...]:
    return m3u.parse(data, set(existing).__contains__).entries


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
    assert m3u.parse(line.encode()).name == "Quiet evenings"


def test_an_empty_name_is_none():
    assert m3u.parse(b"#PLAYLIST:  \n").name is None


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


def test_bytes_of_no_encoding_stay_as_the_file_system_has_them():
    assert entries(b"Caf\xe9.ogg", "Caf\udce9.ogg") == ("Caf\udce9.ogg",)


def test_folders_of_windows_are_divided_as_everywhere():
    assert entries(rb"Rock\Live\a.ogg") == ("Rock/Live/a.ogg",)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("file:///music/a%20b.ogg", "/music/a b.ogg"),
        ("file://localhost/music/a.ogg", "/music/a.ogg"),
        ("FILE:/music/100%25.ogg", "/music/100%.ogg"),
        ("file:///music/Caf%C3%A9.ogg", "/music/Café.ogg"),
        ("file:///music/Caf%E9.ogg", "/music/Caf\udce9.ogg"),
        ("file:///music/Café.ogg", "/music/Café.ogg"),
    ],
)
def test_a_file_url_is_a_path(line, path):
    assert entries(line.encode(), path) == (path,)


def test_a_file_url_may_hold_raw_bytes_of_no_encoding():
    assert entries(b"file:///music/Caf\xe9.ogg", "/music/Caf\udce9.ogg") == (
        "/music/Caf\udce9.ogg",
    )


def test_a_percent_sign_in_a_path_is_itself():
    assert entries(b"100%25 live.ogg\n50%.ogg") == ("100%25 live.ogg", "50%.ogg")


def test_an_empty_playlist_has_no_entries():
    assert m3u.parse(b"") == m3u.M3u(None, ())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data):
    for entry in m3u.parse(data).entries:
        assert entry
        assert "\n" not in entry


@given(st.binary(max_size=100))
def test_any_bytes_after_a_file_scheme_are_read_without_an_error(data):
    m3u.parse(b"file:///" + data)


@given(st.lists(st.text("abc äé日/.-'#%", min_size=1, max_size=20), max_size=10))
def test_what_is_written_in_utf_8_is_read_again(names):
    names = [name.strip() for name in names if name.strip() and not name.strip().startswith("#")]
    assert entries("\n".join(names).encode(), *names) == tuple(names)
