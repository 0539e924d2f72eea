"""MP3 of a known size, outlines of songs, and the folder that keeps both to a bound."""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from library.sound.mp3 import FRAME_BYTES, encoded, frames_of
from library.sound.store import KEEP_DAYS, SoundKey, SoundStore, take_lock
from library.sound.waveform import Waveform

ACCOUNT = UUID(int=1)


def noise(seconds: float, channels: int, rate_hz: int = 22_050) -> tuple[int, np.ndarray]:
    rng = np.random.default_rng(1)
    return rate_hz, rng.normal(0, 0.3, (int(seconds * rate_hz), channels)).astype(np.float32)


@pytest.mark.parametrize("frames", [1, 20, 60])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_an_mp3_has_the_size_that_was_announced_whatever_is_in_it(frames, channels):
    made = b"".join(encoded([noise(0.4, channels), noise(0.4, channels)], frames=frames))
    assert len(made) == frames * FRAME_BYTES
    assert all(made[at : at + 2] == b"\xff\xfb" for at in range(0, len(made), FRAME_BYTES))


def test_what_no_float_holds_is_no_harm():
    rate_hz, sound = noise(0.2, 2)
    sound[::7] = np.nan
    sound[::11] = np.inf
    sound[::13] = -1e30
    assert len(b"".join(encoded([(rate_hz, sound)], frames=None))) % FRAME_BYTES == 0


def test_an_hour_is_the_longest():
    assert frames_of(3 * 3600) == frames_of(3600) == 150_000
    assert frames_of(-1) == 0


@pytest.mark.parametrize("sizes", [(30_000,), (1_000,) * 30, (7, 29_993)])
def test_a_waveform_is_the_same_however_it_comes_in_pieces(sizes):
    ramp = np.linspace(0, 0.5, 30_000, dtype=np.float32).reshape(-1, 1)
    waveform, at = Waveform(), 0
    for size in sizes:
        waveform.take(10_000, ramp[at : at + size])
        at += size
    peaks = list(waveform.peaks())
    assert len(peaks) == 200
    assert peaks == sorted(peaks)
    assert peaks[-1] == 255


def test_silence_is_flat_and_nothing_is_nothing():
    silent = Waveform()
    assert silent.peaks() == b""
    silent.take(8_000, np.zeros((100, 2), np.float32))
    assert silent.peaks() == bytes(200)


@pytest.fixture
def store(tmp_path: Path) -> SoundStore:
    return SoundStore(tmp_path, most_bytes=1_000)


def keep(store: SoundStore, *, size: int, days_ago: float, kind: str = "mp3") -> Path:
    key = SoundKey.of(ACCOUNT, uuid4())
    store.prepare(key)
    path = store.whole(key).with_suffix(f".{kind}")
    path.write_bytes(bytes(size))
    used = time.time() - days_ago * 86_400
    os.utime(path, (used, used))
    return path


def test_what_was_asked_for_longest_ago_makes_room(store):
    old, new = keep(store, size=600, days_ago=2), keep(store, size=600, days_ago=1)
    store.prune()
    assert (old.exists(), new.exists()) == (False, True)


def test_nothing_is_kept_for_longer_than_a_week_unless_it_is_used(store):
    unused = keep(store, size=1, days_ago=KEEP_DAYS + 1)
    used = keep(store, size=1, days_ago=KEEP_DAYS + 1)
    descriptor = store.open_whole(used)
    assert descriptor is not None
    os.close(descriptor)
    store.prune()
    assert (unused.exists(), used.exists()) == (False, True)


def test_what_is_being_made_stays(store):
    part = keep(store, size=2_000, days_ago=0, kind="part")
    with part.open("rb") as maker:
        assert take_lock(maker.fileno())
        store.prune()
        assert part.exists()
    store.prune()
    assert not part.exists()


def test_an_account_that_is_removed_leaves_nothing(store):
    path = keep(store, size=1, days_ago=0)
    store.forget(uuid4())
    assert path.exists()
    store.forget(ACCOUNT)
    assert not path.parent.exists()


def test_a_failure_is_known_for_a_time(store):
    key = SoundKey.of(ACCOUNT, uuid4())
    store.prepare(key)
    store.fail(key, "It is damaged.")
    assert store.reason(key) == "It is damaged."
    store.fail(key, "The server is away.", for_seconds=-1)
    assert store.reason(key) is None
