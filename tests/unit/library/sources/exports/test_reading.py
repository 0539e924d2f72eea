"""Every export is read alike, whoever wrote it, as single files or in a zip."""

from __future__ import annotations

from pathlib import Path

import pytest

from library.errors import UnreadableFile
from library.sources.exports import reading
from library.sources.exports.reading import look, read
from library.sources.exports.tracks import Export

from .made import (
    EXPORTIFY,
    FEEDBACK,
    FEEDBACK_LINES,
    JSPF,
    LISTENS,
    MBIDS,
    OLD_EXPORTIFY,
    SPOTIFY_LIBRARY,
    apple_library,
    beets_library,
    given,
    spotify_item,
    spotify_playlists,
    zipped,
)


def titles(export: Export) -> dict[str, list[str]]:
    """The titles in each playlist, and those that are loved."""
    found = {one.name: [export.tracks[key].title for key in one.tracks] for one in export.playlists}
    return found | {"♥": [export.tracks[key].title for key in export.loved]}


def test_spotify_tells_playlists_and_loved_songs_and_joins_them_by_their_addresses(
    tmp_path: Path,
) -> None:
    files = given(
        tmp_path,
        Playlist2_json=spotify_playlists("Later"),
        Playlist1_json=spotify_playlists("Road trip", "Road trip"),
        YourLibrary_json=SPOTIFY_LIBRARY,
    )
    export = read(files)
    assert export.written_by == "Spotify"
    assert [one.name for one in export.playlists] == ["Road trip", "Road trip", "Later"]
    assert len({one.key for one in export.playlists}) == 3
    assert titles(export)["Road trip"] == ["Rain", "Snow", "Rain"]
    assert titles(export)["♥"] == ["Rain", "Fog"]
    assert len(export.tracks) == 3
    assert next(iter(export.tracks.values())).album == "Blue"


def test_older_downloads_of_spotify_have_no_addresses_and_are_joined_by_their_names(
    tmp_path: Path,
) -> None:
    library = {"tracks": [{"artist": "Ann", "album": "Blue", "track": "Rain"}]}
    files = given(
        tmp_path,
        Playlist1_json=spotify_playlists("Road trip", is_old=True),
        YourLibrary_json=library,
    )
    export = read(files)
    assert titles(export) == {"Road trip": ["Rain", "Snow", "Rain"], "♥": ["Rain"]}
    assert len(export.tracks) == 2


def test_what_spotify_has_no_longer_and_what_is_no_song_is_counted(tmp_path: Path) -> None:
    local = {"uri": "spotify:local:Ann+%26+Bob:Blue:My+take:61"}
    items = [
        spotify_item("Rain"),
        spotify_item(None),
        spotify_item(None) | {"episode": {"episodeName": "A talk"}},
        spotify_item(None) | {"audiobook": {"audiobookName": "A book"}},
        spotify_item(None) | {"localTrack": local},
        None,
    ]
    files = given(tmp_path, Playlist1_json={"playlists": [{"items": items, "name": "Odd"}]})
    export = read(files)
    assert titles(export)["Odd"] == ["Rain", "My take"]
    mine = next(track for track in export.tracks.values() if track.title == "My take")
    assert (mine.artist, mine.album, mine.duration_seconds) == ("Ann & Bob", "Blue", 61)
    assert export.left_out == {
        "places without a song": 1,
        "podcast episodes": 1,
        "audiobooks": 1,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_zip_tells_what_its_files_do_in_any_encoding_that_is_marked(
    tmp_path: Path, encoding: str
) -> None:
    files = zipped(
        tmp_path / "my_spotify_data.zip",
        Playlist1_json='{"playlists": [{"name": "Ähnlich", "items": []}]}'.encode(encoding),
        YourLibrary_json=SPOTIFY_LIBRARY,
        StreamingHistory_music_0_json=[{"trackName": "Never", "artistName": "Nobody"}],
        Read_me_pdf=b"%PDF-1.4",
    )
    assert titles(read(files)) == {"Ähnlich": [], "♥": ["Rain", "Fog"]}


def test_tables_are_playlists_of_their_files_names_and_liked_songs_are_loved(
    tmp_path: Path,
) -> None:
    files = zipped(
        tmp_path / "spotify_playlists.zip",
        road_trip_csv=EXPORTIFY,
        liked_songs_csv=OLD_EXPORTIFY,
        notes_csv="what,when\nmilk,today\n",
    )
    export = read(files)
    assert export.written_by == "Exportify"
    assert titles(export) == {"road trip": ["Rain, again", "Snow"], "♥": ["Rain"]}
    by_title = {track.title: track for track in export.tracks.values()}
    again, snow, old = by_title["Rain, again"], by_title["Snow"], by_title["Rain"]
    assert (again.artist, again.artists) == ("Ann, Bob", ("Ann", "Bob"))
    assert (again.year, again.duration_seconds, again.genre) == (1998, 181.0, "pop")
    assert (snow.artist, snow.artists) == ("Tyler, The Creator", ())
    assert (old.artists, old.isrc, old.uri) == (
        ("Ann", "Bob"),
        "GBAYE9800001",
        f"spotify:track:{1:022}",
    )


def test_a_table_that_excel_saved_has_semicolons_and_the_wests_encoding(tmp_path: Path) -> None:
    text = "Track Name;Artist Name(s);Duration\r\nJóga;Björk;5:05\r\n"
    (track,) = read(given(tmp_path, mine_csv=text.encode("cp1252"))).tracks.values()
    assert (track.title, track.artist, track.duration_seconds) == ("Jóga", "Björk", 305)


def test_apple_tells_the_playlists_that_a_person_made_and_what_they_rated_and_loved(
    tmp_path: Path,
) -> None:
    export = read(given(tmp_path, Library_xml=apple_library()))
    assert export.written_by == "Apple Music"
    assert titles(export) == {"Road trip": ["Snow", "Rain", "Snow"], "♥": ["Rain", "Snow"]}
    rain, snow = export.tracks.values()
    assert (rain.rating_stars, snow.rating_stars) == (4.0, None)
    assert (rain.duration_seconds, rain.year, rain.track_number) == (181.0, 1998, 3)
    assert rain.key == "place:file:///Users/ann/Music/Ann/Blue/03%20Rain.mp3"
    assert snow.key == "itunes:BB"
    assert export.left_out == {"podcast episodes": 1}


def test_the_playlists_of_apple_may_stand_before_its_songs(tmp_path: Path) -> None:
    swapped = apple_library().replace(b"<key>Tracks</key>", b"<key>ZZ</key>")
    begin, end = swapped.index(b"<key>Playlists</key>"), swapped.index(b"<key>ZZ</key>")
    lists, songs = swapped[begin:end], swapped[end : swapped.rindex(b"</dict>")]
    head, tail = swapped[:begin], swapped[swapped.rindex(b"</dict>") :]
    songs = songs.replace(b"<key>ZZ</key>", b"<key>Tracks</key>")
    export = read(given(tmp_path, Library_xml=head + lists + songs + tail))
    assert titles(export)["Road trip"] == ["Snow", "Rain", "Snow"]


@pytest.mark.parametrize("is_old", [False, True])
def test_beets_tells_its_songs_of_either_version(tmp_path: Path, *, is_old: bool) -> None:
    export = read(beets_library(tmp_path / "library.db", is_old=is_old))
    assert export.written_by == "beets"
    rain, nameless = export.tracks.values()
    assert (rain.title, rain.genre, rain.year) == ("Rain", "Pop", 1998)
    assert (rain.rating_stars, rain.recording_mbid, rain.isrc) == (4.0, MBIDS[1], "GBAYE9800001")
    assert rain.place == "/music/Ann/Blue/Rain.mp3"
    assert (nameless.title, nameless.artist, nameless.duration_seconds) == ("�", None, None)
    assert [export.tracks[key].title for key in export.loved] == ["Rain"]


def test_listenbrainz_tells_playlists_and_feedback(tmp_path: Path) -> None:
    several = {"playlists": [JSPF, {"playlist": {"title": "Other", "track": []}}]}
    files = given(tmp_path, a_json=JSPF, b_json=FEEDBACK, c_json=several)
    export = read(files)
    assert export.written_by == "ListenBrainz"
    assert [one.name for one in export.playlists] == ["Road trip", "Road trip", "Other"]
    assert titles(export)["♥"] == ["Rain"]
    rain = export.tracks[f"mbid:{MBIDS[1]}"]
    assert (rain.artists, rain.duration_seconds) == (("Ann", "Bob"), 181.0)
    assert export.left_out["loved songs of which only an id is known"] == 1


def test_the_download_of_listenbrainz_finds_the_names_of_loved_songs_among_the_listens(
    tmp_path: Path,
) -> None:
    files = zipped(
        tmp_path / "listenbrainz.zip",
        **{"a/listens/2024/5_jsonl": LISTENS + "\n{broken\n[]\n", "feedback_jsonl": FEEDBACK_LINES},
        user_json={"user_id": 1, "username": "ann"},
    )
    export = read(files)
    assert titles(export) == {"♥": ["Rain", "Snow"]}
    assert export.left_out["loved songs of which only an id is known"] == 1
    assert next(iter(export.tracks.values())).recording_mbid == MBIDS[1]


def test_a_look_ends_early_where_an_export_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LOOK_TRACKS", 1)
    whole = b'{"tracks": [{"track": "Rain", "artist": "Ann"}, {"track": '
    assert len(look(given(tmp_path, YourLibrary_json=whole)).tracks) == 1
    with pytest.raises(UnreadableFile, match=r"YourLibrary\.json: The file ends in the middle"):
        read(given(tmp_path, YourLibrary_json=whole))
