"""The sound of songs of a music server: fetched and made by a process that is not the site's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile

from library import songs
from library.sound.mp3 import FRAME_BYTES, frames_of
from library.sources.records import SongRecord
from tests.integration.tasks.test_music_servers import add_server
from tests.integration.web.conftest import Person, Site
from tests.subsonic.double import Double
from tests.subsonic.sockets import serving

SECONDS, RATE_HZ = 2.0, 22_050


@dataclass(frozen=True)
class Listener:
    person: Person
    double: Double
    path: str

    def sound(self, **headers: str):
        return self.person.browser.get(f"{self.path}/sound", headers=headers)


@pytest.fixture
def listener(make_site) -> Iterator[Listener]:
    site: Site = make_site(EARMARK_PRIVATE_SERVERS="yes", SECRET_KEY="for tests, and long enough")
    person, double = site.person(), Double.with_songs(3)
    data = io.BytesIO()
    moments = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
    soundfile.write(data, 0.3 * np.sin(2 * np.pi * 300 * moments), RATE_HZ, format="OGG")
    double.sounds["so-1"] = data.getvalue()
    double.songs["so-1"] |= {"size": len(data.getvalue()), "duration": 2}
    mine, runtime = {"account_id": person.account_id}, site.runtime
    with serving(double) as address:
        source_id = add_server(runtime.database, runtime.settings, person.account_id, address)
        record = SongRecord(external_id="so-1", title="Song 1", duration_seconds=SECONDS)
        with runtime.database.session() as session:
            kept = songs.save(session, **mine, source_id=source_id, record=record)
        yield Listener(person, double, f"/api/songs/{kept.id}")


def test_a_song_is_fetched_once_and_played_by_ranges(listener: Listener) -> None:
    answer = listener.sound()
    assert (answer.status_code, answer.content_type) == (200, "audio/mpeg")
    assert len(answer.data) == frames_of(SECONDS) * FRAME_BYTES
    part = listener.sound(Range="bytes=384-767")
    assert (part.status_code, part.data) == (206, answer.data[384:768])
    peaks = listener.person.browser.get(f"{listener.path}/waveform").json["peaks"]
    assert len(peaks) == 200
    assert listener.double.calls("download") + listener.double.calls("stream") == 1


def test_a_server_that_lets_nobody_in_is_told_of(listener: Listener) -> None:
    listener.double.password = "another"
    with pytest.raises(BrokenPipeError):  # what a server ends its connection by
        listener.sound()
    answer = listener.sound()
    assert answer.status_code == 422
    assert "cannot be played" in answer.json["detail"]
