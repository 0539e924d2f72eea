"""A song's sound: its owner's alone, as it is or as MP3, whatever the file turns out to be."""

from __future__ import annotations

import fcntl
import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from library.models import Song
from library.sound.mp3 import FRAME_BYTES, frames_of
from library.sound.songs import volume_of
from tests.integration.web.conftest import Person, Site
from tests.integration.web.listening import encode, keep_songs
from web.sound.sender import SoundLimits
from web.sound.services import of

RATE_HZ, SECONDS = 44_100, 3.0
WAIT_SECONDS = 20.0
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ)
#: Loud in its second half alone.
SONG = np.where(np.arange(len(TONE)) < len(TONE) / 2, 0.1, 1.0) * TONE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    for name in ("plain.flac", "plain.wav", "plain.ogg", "plain.mp3", "other.aiff"):
        soundfile.write(folder / name, SONG, RATE_HZ)
    for name, codec, form in (
        ("apple.m4a", "alac", "ipod"),
        ("plain.m4a", "aac", "ipod"),
        ("other.wma", "wmav2", "asf"),
    ):
        encode(folder / name, SONG, rate_hz=RATE_HZ, codec=codec, form=form)
    (folder / "wrong name.mp3").write_bytes((folder / "plain.flac").read_bytes())
    (folder / "damaged.ape").write_bytes(b"MAC \x00" * 40)
    (folder / "empty.flac").touch()
    (folder / "out.flac").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe.flac")
    for file in folder.iterdir():
        if file.is_file() and not file.is_symlink():
            os.utime(file, (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture(scope="module")
def listener(site: Site, folder: Path) -> tuple[Person, dict[str, str]]:
    person = site.person()
    lengths = {"other": SECONDS, "apple": SECONDS}
    kept = keep_songs(site.runtime.database, person.account_id, folder, **lengths)
    return person, {name: f"/api/songs/{key}" for name, key in kept.items()}


def get(listener, name: str, what: str = "sound", **headers: str):
    """As a player asks, which comes again where others are being made."""
    person, paths = listener
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        answer = person.browser.get(f"{paths[name]}/{what}", headers=named)
        if answer.status_code != 503 or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("plain.flac", "audio/flac"),
        ("plain.wav", "audio/wav"),
        ("plain.ogg", "audio/ogg"),
        ("plain.mp3", "audio/mpeg"),
        ("plain.m4a", "audio/mp4"),
        ("wrong name.mp3", "audio/flac"),
    ],
)
def test_what_browsers_play_is_sent_as_it_is(listener, folder, name, media_type):
    answer = get(listener, name)
    assert answer.status_code == 200
    assert answer.content_type == media_type
    assert answer.data == (folder / name).read_bytes()
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["Vary"] == "Cookie"
    again = get(listener, name, If_None_Match=answer.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")


def test_a_head_tells_what_a_get_would_send(listener):
    person, paths = listener
    for headers in ({}, {"Range": "bytes=5-10"}, {"Range": "bytes=999999999-"}):
        told, sent = (
            person.browser.open(f"{paths['plain.flac']}/sound", method=method, headers=headers)
            for method in ("HEAD", "GET")
        )
        names = ("Content-Type", "Content-Length", "Content-Range", "ETag", "Last-Modified")
        assert [told.headers.get(name) for name in names] == [
            sent.headers.get(name) for name in names
        ]
        assert (told.status_code, told.data) == (sent.status_code, b"")


@given(
    first=st.none() | st.integers(0, 200_000),
    last=st.none() | st.integers(0, 200_000),
)
@settings(max_examples=30, deadline=None)
def test_any_range_is_the_slice_of_the_file(listener, folder, first, last):
    file = (folder / "plain.flac").read_bytes()
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    answer = get(listener, "plain.flac", Range=header)
    if answer.status_code == 416:
        assert first is not None
        assert first >= len(file)
    elif answer.status_code == 200:
        assert answer.data == file
    elif first is None:
        assert answer.data == file[-last:]
    else:
        assert answer.data == file[first : None if last is None else last + 1]


@pytest.mark.parametrize("name", ["other.aiff", "apple.m4a", "other.wma"])
def test_what_few_browsers_play_is_sent_as_mp3_of_a_size_that_is_known_before(listener, name):
    answer = get(listener, name)
    assert answer.status_code == 200
    assert answer.content_type == "audio/mpeg"
    size = frames_of(SECONDS) * FRAME_BYTES
    assert len(answer.data) == int(answer.headers["Content-Length"]) == size
    with av.open(io.BytesIO(answer.data), format="mp3") as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    quiet, loud = (np.abs(part).max() for part in (heard[10_000:60_000], heard[80_000:130_000]))
    assert loud > 5 * quiet > 0.1
    part = get(listener, name, Range="bytes=1000-1999", If_Range=answer.headers["ETag"])
    assert (part.status_code, part.data) == (206, answer.data[1000:2000])


def test_some_seconds_are_made_without_those_before_them(listener):
    answer = get(listener, "apple.m4a", "sound?from=1.4&seconds=0.5")
    assert (answer.status_code, answer.content_type) == (200, "audio/mpeg")
    assert len(answer.data) == frames_of(0.5) * FRAME_BYTES
    with av.open(io.BytesIO(answer.data), format="mp3") as container:
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    # The song is loud from its middle on, which is a tenth of a second in.
    quiet, loud = (np.abs(part).max() for part in (heard[1_500:4_000], heard[8_000:20_000]))
    assert loud > 5 * quiet > 0.1


NO_SECONDS = (
    *("from=x&seconds=1", "from=-1&seconds=1", "from=nan&seconds=1", "from=inf&seconds=1"),
    *("from=1", "from=1&seconds=0", "from=1&seconds=31", "from=1&seconds=nan"),
)


@pytest.mark.parametrize("query", NO_SECONDS)
def test_seconds_that_there_cannot_be_are_refused(listener, query):
    assert get(listener, "apple.m4a", f"sound?{query}").status_code == 400


def test_any_song_is_mp3_where_the_player_asks_for_that(listener):
    answer = get(listener, "plain.ogg", "sound?as=mp3")
    assert answer.content_type == "audio/mpeg"
    # Nobody knows its length before: it has no parts until it is whole.
    assert "Content-Length" not in answer.headers
    assert answer.headers["Accept-Ranges"] == "none"
    assert len(answer.data) // FRAME_BYTES == pytest.approx(frames_of(SECONDS), abs=4)
    until(lambda: "Content-Length" in get(listener, "plain.ogg", "sound?as=mp3").headers)
    whole = get(listener, "plain.ogg", "sound?as=mp3", Range="bytes=-384")
    assert (whole.status_code, whole.data) == (206, answer.data[-384:])


def test_a_file_of_which_nothing_can_be_made_says_so(listener):
    first = get(listener, "damaged.ape")
    assert first.status_code in (200, 422)
    assert not first.data or first.status_code == 422
    until(lambda: get(listener, "damaged.ape").status_code == 422)
    assert "no format of sound that Earmark knows" in get(listener, "damaged.ape").text
    assert get(listener, "damaged.ape", "waveform").status_code in (200, 422)


@pytest.mark.parametrize("name", ["out.flac", "pipe.flac"])
def test_links_out_of_the_source_and_what_is_no_file_are_not_sent(listener, name):
    answer = get(listener, name)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


def test_a_file_that_went_away_says_so(listener, folder):
    kept = (folder / "plain.mp3").read_bytes()
    (folder / "plain.mp3").unlink()
    try:
        assert "cannot be opened" in get(listener, "plain.mp3").json["detail"]
    finally:
        (folder / "plain.mp3").write_bytes(kept)


def test_a_song_without_sound_says_so(site, listener):
    person, paths = listener
    with site.runtime.database.session() as session:
        session.query(Song).filter(Song.external_id == "empty.flac").update({"has_sound": False})
    for what in ("sound", "waveform"):
        answer = person.browser.get(f"{paths['empty.flac']}/{what}")
        assert answer.status_code == 404
        assert "has no sound" in answer.json["detail"]


def test_the_waveform_is_made_when_it_is_asked_for(listener):
    until(lambda: get(listener, "plain.flac", "waveform").json["peaks"] is not None)
    peaks = get(listener, "plain.flac", "waveform").json["peaks"]
    assert len(peaks) == 200
    assert max(peaks) == 255
    assert max(peaks[:95]) == pytest.approx(25, abs=2)


def test_no_more_are_made_at_once_than_a_machine_has_makers_for(site, listener, monkeypatch):
    makers = of(site.app).makers
    with every_slot_taken(makers.store.folder):
        person, paths = listener
        answer = person.browser.get(f"{paths['plain.wav']}/sound?as=mp3")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        assert person.browser.get(f"{paths['plain.wav']}/waveform").json["peaks"] is None
    assert person.browser.get(f"{paths['plain.wav']}/sound?as=mp3").status_code == 200


def test_every_place_is_given_back(site, listener):
    sender = of(site.app).sender
    for header in ("bytes=0-9", "bytes=0-", "bytes=99999999-", "x"):
        get(listener, "plain.wav", Range=header).close()
    assert sender.held == 0
    many = [sender.admit("someone") for _ in range(SoundLimits().each_account)]
    assert len(many) == 12


@pytest.mark.parametrize(
    ("lufs", "volume"), [(None, 1.0), (-30.0, 1.0), (-18.0, 1.0), (-24.0, 1.0), (-12.0, 0.501)]
)
def test_loud_songs_are_turned_down_and_nothing_is_turned_up(lufs, volume):
    assert volume_of(lufs) == pytest.approx(volume, abs=0.001)


@contextmanager
def every_slot_taken(folder: Path) -> Iterator[None]:
    slots = [os.open(folder / f"maker-{n}", os.O_RDWR | os.O_CREAT) for n in range(2)]
    try:
        for slot in slots:
            until(lambda slot=slot: _is_taken(slot))
        yield
    finally:
        for slot in slots:
            os.close(slot)


def _is_taken(slot: int) -> bool:
    try:
        fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def until(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
