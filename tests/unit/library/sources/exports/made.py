"""Exports made up for tests, in the shapes that their programs give them. Nobody's data."""

from __future__ import annotations

import json
import plistlib
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

from library.sources.exports.parts import ExportFile

MBIDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(10)]


def given(folder: Path, **files: bytes | str | Any) -> list[ExportFile]:
    """Files in a folder; the name's last underscore stands for its dot."""
    found = []
    for called, content in files.items():
        name = ".".join(called.rsplit("_", 1))
        data = content if isinstance(content, bytes | str) else json.dumps(content)
        path = folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        found.append(ExportFile(name, path))
    return found


def zipped(path: Path, **members: bytes | str | Any) -> list[ExportFile]:
    """The same in a zip, in a folder of it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for called, content in members.items():
            data = content if isinstance(content, bytes | str) else json.dumps(content)
            packed.writestr(f"export/{'.'.join(called.rsplit('_', 1))}", data)
    return [ExportFile(path.name, path)]


def spotify_item(title: str | None, number: int = 1, *, is_old: bool = False) -> dict[str, Any]:
    track: dict[str, Any] | None = None
    if title is not None:
        track = {"trackName": title, "artistName": "Ann", "albumName": "Blue"}
        if not is_old:
            track["trackUri"] = f"spotify:track:{number:022}"
    item = {"track": track, "episode": None, "localTrack": None}
    return item if is_old else item | {"audiobook": None, "addedDate": "2024-05-06"}


def spotify_playlists(*names: str, is_old: bool = False) -> dict[str, Any]:
    return {
        "playlists": [
            {
                "name": name,
                "lastModifiedDate": "2024-05-06",
                "items": [
                    spotify_item("Rain", 1, is_old=is_old),
                    spotify_item("Snow", 2, is_old=is_old),
                    spotify_item("Rain", 1, is_old=is_old),
                ],
                "description": None,
                "numberOfFollowers": 0,
            }
            for name in names
        ]
    }


SPOTIFY_LIBRARY = {
    "tracks": [
        {"artist": "Ann", "album": "Blue", "track": "Rain", "uri": f"spotify:track:{1:022}"},
        {"artist": "Bob", "album": "Red", "track": "Fog", "uri": f"spotify:track:{3:022}"},
    ],
    "albums": [{"artist": "Ann", "album": "Blue"}],
    "shows": [],
    "episodes": [],
    "bannedTracks": [{"artist": "No", "album": "No", "track": "No"}],
    "artists": [],
    "bannedArtists": [],
    "other": [],
}
EXPORTIFY = (
    "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,Genres\n"
    'spotify:track:1,"Rain, again",Blue,"Ann;Bob",1998-02-01,181000,12,"pop, rock"\n'
    'spotify:track:2,Snow,Blue,"Tyler, The Creator",1999,200500,,\n'
)
OLD_EXPORTIFY = (
    '"Spotify ID","Artist IDs","Track Name","Album Name","Artist Name(s)",'
    '"ISRC","Track Duration (ms)"\n'
    f'"{1:022}","a,b","Rain","Blue","Ann,Bob","GB-AYE-98-00001","181000"\n'
)


def apple_library(**more: Any) -> bytes:
    tracks = {
        "11": {
            "Track ID": 11, "Name": "Rain", "Artist": "Ann", "Album": "Blue", "Total Time": 181_000,
            "Rating": 80, "Loved": True, "Persistent ID": "AA", "Year": 1998, "Track Number": 3,
            "Location": "file:///Users/ann/Music/Ann/Blue/03%20Rain.mp3",
        },
        "12": {"Track ID": 12, "Name": "Snow", "Artist": "Bob", "Persistent ID": "BB",
               "Rating": 60, "Rating Computed": True, "Favorited": True},
        "13": {"Track ID": 13, "Name": "A talk", "Podcast": True},
    }  # fmt: skip
    items = [{"Track ID": 12}, {"Track ID": 11}, {"Track ID": 12}, {"Track ID": 99}]
    lists = [
        {"Name": "Library", "Master": True, "Playlist Items": items},
        {"Name": "Music", "Distinguished Kind": 4, "Playlist Items": items},
        {"Name": "Recent", "Smart Info": b"\0" * 9_000, "Playlist Items": items},
        {"Name": "All", "Folder": True, "Playlist Items": items},
        {"Name": "Road trip", "Playlist ID": 7, "Playlist Persistent ID": "CC",
         "Playlist Items": items},
    ]  # fmt: skip
    top = {"Major Version": 1, "Tracks": tracks, "Playlists": lists} | more
    return plistlib.dumps(top, fmt=plistlib.FMT_XML)


def beets_library(path: Path, *, is_old: bool = False) -> list[ExportFile]:
    genre = "genre" if is_old else "genres"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            f"""
            CREATE TABLE items (id INTEGER PRIMARY KEY, path BLOB, title TEXT, artist TEXT,
              album TEXT, albumartist TEXT, {genre} TEXT, year INTEGER, original_year INTEGER,
              track INTEGER, length REAL, isrc TEXT, mb_trackid TEXT);
            CREATE TABLE item_attributes (id INTEGER PRIMARY KEY, entity_id INTEGER, key TEXT,
              value TEXT);
            """
        )
        rows = [
            (1, b"/music/Ann/Blue/Rain.mp3", "Rain", "Ann", "Blue", "Ann",
             "Pop" if is_old else "Pop\\␀Rock", 2010, 1998, 3, 181.2, "GBAYE9800001", MBIDS[1]),
            (2, b"/music/\xff.mp3", "", "", "", "", "", 0, 0, 0, 0.0, "", ""),
        ]  # fmt: skip
        database.executemany(f"INSERT INTO items VALUES ({', '.join('?' * 13)})", rows)
        said = [(1, "rating", "0.8"), (1, "loved", "1"), (2, "mood", "1")]
        database.executemany(
            "INSERT INTO item_attributes (entity_id, key, value) VALUES (?, ?, ?)", said
        )
        database.commit()
    return [ExportFile(path.name, path)]


JSPF = {
    "playlist": {
        "title": "Road trip",
        "identifier": f"https://listenbrainz.org/playlist/{MBIDS[0]}",
        "track": [
            {
                "identifier": [f"https://musicbrainz.org/recording/{MBIDS[1]}"],
                "title": "Rain",
                "creator": "Ann feat. Bob",
                "album": "Blue",
                "duration": 181_000,
                "extension": {
                    "https://musicbrainz.org/doc/jspf#track": {
                        "additional_metadata": {
                            "artists": [
                                {"artist_credit_name": "Ann", "join_phrase": " feat. "},
                                {"artist_credit_name": "Bob", "join_phrase": ""},
                            ]
                        }
                    }
                },
            },
            {"identifier": f"https://musicbrainz.org/recording/{MBIDS[2]}", "title": "Snow"},
            {"title": None},
        ],
    }
}
FEEDBACK = {
    "count": 2,
    "feedback": [
        {
            "recording_mbid": MBIDS[1],
            "score": 1,
            "track_metadata": {"track_name": "Rain", "artist_name": "Ann", "release_name": "Blue"},
        },
        {"recording_mbid": MBIDS[2], "score": -1, "track_metadata": {"track_name": "Fog"}},
        {"recording_mbid": MBIDS[3], "score": 1, "track_metadata": None},
    ],
}
FEEDBACK_LINES = "\n".join(
    json.dumps({"recording_msid": msid, "recording_mbid": mbid, "score": score, "created": 1})
    for msid, mbid, score in (
        ("m1", MBIDS[1], 1),
        ("m2", None, 1),
        ("m3", None, -1),
        ("m4", None, 1),
    )
)
LISTENS = "\n".join(
    json.dumps(
        {
            "listened_at": 1,
            "track_metadata": {
                "track_name": title,
                "artist_name": "Ann",
                "release_name": "Blue",
                "recording_msid": msid,
                "additional_info": {"duration_ms": 181_000},
                "mbid_mapping": {"recording_mbid": mbid} if mbid else None,
            },
        }
    )
    for title, msid, mbid in (
        ("Rain", "other", MBIDS[1]),
        ("Snow", "m2", None),
        ("Fog", "m3", None),
    )
)
