"""Songs put into lists of every format: what is there stays, what is new reads back."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.sources.names import escaped
from library.sources.places import SongIndex
from library.writeback.adding import add, format_of
from library.writeback.entries import NewSong
from library.writeback.errors import NotWritable

ROOT = Path("/music")
OLD, NEW = "Jazz/Rob/blue note.mp3", "Jazz/Zoë/Où & là (1).mp3"
SONGS = (OLD, NEW, "a.mp3", "b.mp3", "lists/near.mp3", "#1 hit.mp3", "Кино/Группа крови.mp3")
INDEX = SongIndex(SONGS, ROOT)


def new(external_id: str = NEW) -> NewSong:
    return NewSong(external_id, "Où & là", "Zoë", "Été", 61.6)


def added(data: bytes, name: str, *songs: str, index: SongIndex = INDEX) -> bytes:
    """The bytes that are put in, where all stands at one place."""
    result = add(data, name=name, index=index, songs=[new(song) for song in songs or (NEW,)])
    assert not result.refused
    assert len(result.added) == len(songs or (NEW,))
    return difference(data, result.data)


def difference(before: bytes, after: bytes) -> bytes:
    """What is new: removing it gives the old bytes, every one of them."""
    begin = 0
    while begin < len(before) and before[begin] == after[begin]:
        begin += 1
    rest = len(before) - begin
    assert after[:begin] + after[len(after) - rest :] == before
    return after[begin : len(after) - rest]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"../Jazz/Rob/blue note.mp3\n", "../Jazz/Zoë/Où & là (1).mp3\n"),
        # Line ends, and a last line without one.
        (b"../a.mp3\r\n../b.mp3\r\n", "../Jazz/Zoë/Où & là (1).mp3\r\n"),
        (b"../a.mp3\r../b.mp3\r", "../Jazz/Zoë/Où & là (1).mp3\r"),
        (b"../a.mp3\n../b.mp3", "\n../Jazz/Zoë/Où & là (1).mp3"),
        # Where paths begin: the list's folder, the root, the whole path, another machine.
        (b"near.mp3\n", "../Jazz/Zoë/Où & là (1).mp3\n"),
        (b"Jazz/Rob/blue note.mp3\n", "Jazz/Zoë/Où & là (1).mp3\n"),
        (b"/music/a.mp3\n", "/music/Jazz/Zoë/Où & là (1).mp3\n"),
        (b"D:\\Musik\\Jazz\\Rob\\blue note.mp3\n", "D:\\Musik\\Jazz\\Zoë\\Où & là (1).mp3\n"),
        (b"\\Jazz\\Rob\\blue note.mp3\n", "\\Jazz\\Zoë\\Où & là (1).mp3\n"),
        (b"..\\Jazz\\Rob\\blue note.mp3\n", "..\\Jazz\\Zoë\\Où & là (1).mp3\n"),
        (b"//nas/music/Jazz/Rob/blue note.mp3\n", "//nas/music/Jazz/Zoë/Où & là (1).mp3\n"),
        # Letters as they are encoded: VLC's way, one that leaves some, small digits.
        (
            b"../Jazz/Rob/blue%20note.mp3\n",
            "../Jazz/Zo%C3%AB/O%C3%B9%20%26%20l%C3%A0%20%281%29.mp3\n",
        ),
        (
            b"file:///music/a.mp3\n",
            "file:///music/Jazz/Zo%C3%AB/O%C3%B9%20%26%20l%C3%A0%20%281%29.mp3\n",
        ),
        # What an extended list has, and a plain one does not.
        (
            b"#EXTM3U\n#EXTINF:3,x\n../a.mp3\n",
            "#EXTINF:62,Zoë - Où & là\n../Jazz/Zoë/Où & là (1).mp3\n",
        ),
        (b"#EXTM3U\n", "#EXTINF:62,Zoë - Où & là\n../Jazz/Zoë/Où & là (1).mp3\n"),
        (b"#EXTM3U\n../a.mp3\n", "../Jazz/Zoë/Où & là (1).mp3\n"),
        (b"", "../Jazz/Zoë/Où & là (1).mp3\n"),
        (b"# mine\n\n../a.mp3\n\n# end\n", "../Jazz/Zoë/Où & là (1).mp3\n"),
    ],
)
def test_a_song_is_put_into_an_m3u_as_its_lines_are(before: bytes, after: str) -> None:
    assert added(before, "lists/mine.m3u").decode() == after


def test_encodings_and_marks_stay_as_they_are() -> None:
    western = "../Jazz/Zoë/Où & là (1).mp3\n".encode("cp1252")
    index = SongIndex((*SONGS, "Jazz/é.mp3"), ROOT)
    assert added(western, "lists/a.m3u", "Jazz/é.mp3", index=index) == "../Jazz/é.mp3\n".encode(
        "cp1252"
    )
    marked = codecs.BOM_UTF16_LE + "../a.mp3\r\n".encode("utf-16-le")
    assert added(marked, "lists/a.m3u").decode("utf-16-le") == "../Jazz/Zoë/Où & là (1).mp3\r\n"
    with_mark = codecs.BOM_UTF8 + b"../a.mp3\n"
    assert added(with_mark, "lists/a.m3u8").decode() == "../Jazz/Zoë/Où & là (1).mp3\n"


def test_a_name_that_the_encoding_does_not_have_is_refused_and_its_neighbour_is_not() -> None:
    western = "../Jazz/Zoë/Où & là (1).mp3\n".encode("cp1252")
    songs = [new("Кино/Группа крови.mp3"), new("a.mp3")]
    result = add(western, name="lists/a.m3u", index=INDEX, songs=songs)
    assert result.data == western + b"../a.mp3\n"
    assert [(song.external_id, "cannot be named" in why) for song, why in result.refused] == [
        ("Кино/Группа крови.mp3", True)
    ]


def test_a_name_of_bytes_that_are_no_letters_is_written_as_it_is() -> None:
    name = escaped(b"Jazz/\xff\xfe.mp3".decode("utf-8", "surrogateescape"))
    index = SongIndex((*SONGS, name), ROOT)
    assert added(b"a.mp3\n", "mine.m3u", name, index=index) == b"Jazz/\xff\xfe.mp3\n"
    assert (
        added(b"", "mine.xspf".replace("xspf", "m3u8"), name, index=index) == b"Jazz/\xff\xfe.mp3\n"
    )


def test_names_with_line_ends_are_refused_and_those_with_number_signs_are_no_comments() -> None:
    broken = "Jazz/two\nlines.mp3"
    index = SongIndex((*SONGS, broken), ROOT)
    result = add(b"a.mp3\n", name="x.m3u", index=index, songs=[new(broken), new("#1 hit.mp3")])
    assert result.data == b"a.mp3\n./#1 hit.mp3\n"
    assert [song.external_id for song, _ in result.refused] == [broken]


def test_no_song_is_put_in_twice() -> None:
    data = b"..\\JAZZ\\rob\\Blue%20Note.mp3\n"
    result = add(data, name="l/a.m3u", index=INDEX, songs=[new(OLD), new("a.mp3"), new("a.mp3")])
    assert [song.external_id for song in result.already] == [OLD]
    assert len(result.added) == 1
    again = add(result.data, name="l/a.m3u", index=INDEX, songs=[new(OLD), new("a.mp3")])
    assert again.data == result.data


PLS = b"""[playlist]
NumberOfEntries=9

File1=../a.mp3
Title1=A
Length1=3

File9=../b.mp3
Title9=B
Length9=-1

Version=2
"""


def test_a_pls_gets_the_next_number_and_counts_it() -> None:
    result = add(PLS, name="lists/a.pls", index=INDEX, songs=[new()])
    lines = "\nFile10=../Jazz/Zoë/Où & là (1).mp3\nTitle10=Zoë - Où & là\nLength10=62".encode()
    assert result.data == PLS.replace(b"Length9=-1", b"Length9=-1" + lines).replace(
        b"Entries=9", b"Entries=10"
    )
    assert added(b"[playlist]\n", "lists/a.pls", "a.mp3").splitlines()[0] == b"File1=../a.mp3"


XSPF = """<?xml version="1.0" encoding="{encoding}"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/" xmlns:vlc="http://x/">
\t<title>Mine é</title>
\t<trackList>
\t\t<track>
\t\t\t<location>../a.mp3</location>
\t\t\t<title>A &amp; B</title>
\t\t\t<duration>1000</duration>
\t\t\t<extension application="x"><vlc:id>0</vlc:id></extension>
\t\t</track>
\t</trackList>
\t<extension application="x"><vlc:item tid="0"/></extension>
</playlist>
"""


@pytest.mark.parametrize("encoding", ["UTF-8", "windows-1252", "UTF-16"])
def test_a_track_is_put_into_an_xspf_as_its_tracks_are(encoding: str) -> None:
    text = XSPF.format(encoding=encoding)
    track = (
        "\n\t\t<track>\n\t\t\t<location>../Jazz/Zo%C3%AB/O%C3%B9%20%26%20l%C3%A0%20%281%29.mp3</location>"
        "\n\t\t\t<title>Où &amp; là</title>\n\t\t\t<duration>61600</duration>\n\t\t</track>"
    )
    result = add(text.encode(encoding), name="lists/a.xspf", index=INDEX, songs=[new()])
    assert result.data == text.replace("</track>", f"</track>{track}").encode(encoding)


@pytest.mark.parametrize(
    "empty",
    ["<trackList/>", "<trackList />", "<trackList></trackList>", "<trackList>\n</trackList>"],
)
def test_an_empty_xspf_gets_its_first_track(empty: str) -> None:
    data = f'<playlist version="1" xmlns="http://xspf.org/ns/0/">\n {empty}\n</playlist>'.encode()
    result = add(data, name="a.xspf", index=INDEX, songs=[new("a.mp3"), new("b.mp3")])
    assert len(result.added) == 2
    assert is_subsequence(data, result.data)


def test_prefixes_of_names_are_kept() -> None:
    data = (
        b'<x:playlist xmlns:x="http://xspf.org/ns/0/"><x:trackList><x:track><x:location>a.mp3'
        b"</x:location></x:track></x:trackList></x:playlist>"
    )
    track = b"<x:track><x:location>b.mp3</x:location></x:track>"
    result = add(data, name="l.xspf", index=INDEX, songs=[new("b.mp3")])
    assert result.data == data.replace(b"</x:track>", b"</x:track>" + track)


WPL = b"""<?wpl version="1.0"?>\r
<smil>\r
    <head>\r
        <meta name="Generator" content="Microsoft Windows Media Player -- 12.0"/>\r
        <meta name="ItemCount" content="1"/>\r
        <title>Mine</title>\r
    </head>\r
    <body>\r
        <seq>\r
            <media src="..\\Jazz\\Rob\\blue note.mp3" cid="{1}"/>\r
        </seq>\r
    </body>\r
</smil>\r
"""


def test_a_wpl_gets_a_media_and_counts_it() -> None:
    result = add(WPL, name="lists/a.wpl", index=INDEX, songs=[new()])
    line = '\r\n            <media src="..\\Jazz\\Zoë\\Où &amp; là (1).mp3"/>'.encode()
    assert result.data == WPL.replace(b'cid="{1}"/>', b'cid="{1}"/>' + line).replace(
        b'content="1"', b'content="2"'
    )


def test_a_list_that_is_filled_by_rules_is_refused() -> None:
    data = WPL.replace(b"<seq>", b"<seq><smartPlaylist/>")
    with pytest.raises(NotWritable, match="filled by rules"):
        add(data, name="a.wpl", index=INDEX, songs=[new()])


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_a_jspf_gets_a_track_spaced_as_its_tracks_are(indent: int | str | None) -> None:
    track = {"location": ["../a.mp3"], "title": "A", "extra": {"x": [1, "]}"]}}
    whole = {"playlist": {"title": "Mine", "track": [track], "date": "2026"}}
    data = json.dumps(whole, indent=indent).encode()
    result = add(data, name="lists/a.jspf", index=INDEX, songs=[new()])
    new_track = {"location": [result.added[0].place], "title": "Où & là"}
    whole["playlist"]["track"].append(new_track)
    assert result.data == json.dumps(whole, indent=indent).encode()
    assert is_subsequence(data, result.data)


def test_lists_that_cannot_be_written_say_why() -> None:
    for name, data, why in (
        ("Library.xml", b"<plist/>", "Download the list"),
        ("a.xspf", b"<playlist/>", "trackList is missing"),
        ("a.xspf", b"<!DOCTYPE x [<!ENTITY a 'b'>]><playlist/>", "not a playlist"),
        ("a.jspf", b'{"playlist": {}}', "tracks are missing"),
        ("a.jspf", b"[1", "not a playlist"),
        ("a.m3u", codecs.BOM_UTF16_LE + b"a\0.", "not the text"),
    ):
        with pytest.raises(NotWritable, match=why):
            add(data, name=name, index=INDEX, songs=[new()])


def is_subsequence(old: bytes, new: bytes) -> bool:
    rest = iter(new)
    return all(byte in rest for byte in old)


NAMES = st.text(
    st.sampled_from("aZ0 .#%&+-_'()[]éßöЖ日\u0301\"<>=;,{}\\"), min_size=1, max_size=8
).map(lambda name: f"{name.strip(' .') or 'x'}.mp3")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PREFIXES = st.sampled_from(["", "./", "/music/", "file:///music/", "C:/Music/", "/mnt/nas/"])
COMMENTS = st.sampled_from(
    ["", "# a comment", "#EXTM3U", "#EXTINF:1,A - B", "#PLAYLIST:Mine", "gone.mp3"]
)


@given(
    songs=st.lists(PATHS, min_size=2, max_size=6, unique=True),
    old=st.integers(0, 3),
    prefix=PREFIXES,
    comments=st.lists(COMMENTS, max_size=4),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    has_last=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp1252", "cp1251"]),
    suffix=st.sampled_from(["m3u", "m3u8"]),
    is_windows=st.booleans(),
)
def test_whatever_a_list_holds_it_reads_back_as_it_was_with_the_new_songs_behind(
    songs, old, prefix, comments, end, has_last, encoding, suffix, is_windows
) -> None:
    index = SongIndex(map(escaped, songs), ROOT)
    lines = [*comments, *(prefix + song for song in songs[:old])]
    text = end.join(lines) + (end if has_last else "")
    data = (text.replace("/", "\\") if is_windows else text).encode(encoding, "replace")
    name, wanted = f"lists/x.{suffix}", [new(escaped(song)) for song in songs]
    try:
        result = add(data, name=name, index=index, songs=wanted)
    except NotWritable:
        return
    difference(data, result.data)
    form = format_of(name)
    before, after = (form.read(each, lambda _: False) for each in (data, result.data))
    assert len(after.entries) == len(before.entries) + len(result.added)
    again = add(result.data, name=name, index=index, songs=wanted)
    assert (again.data, again.added) == (result.data, ())
