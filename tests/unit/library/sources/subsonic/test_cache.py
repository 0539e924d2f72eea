from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from library.errors import UnreadableFile
from library.sources.subsonic.cache import KEEP_DAYS, Part, SoundCache

MB = 1024 * 1024


def writes(size: int, calls: list[int] | None = None):
    def fetch(part: Part) -> None:
        if calls is not None:
            calls.append(size)
        for _ in range(size // 1000):
            part.write(b"x" * 1000)
        part.write(b"x" * (size % 1000))

    return fetch


def held(cache: SoundCache) -> int:
    return sum(path.stat().st_size for path in cache.folder.iterdir())


def test_a_file_is_fetched_once_and_named_by_its_song(tmp_path: Path) -> None:
    cache, calls = SoundCache(tmp_path / "sound", MB), []
    for _ in range(2):
        with cache.file("source", "a/../b", "1", suffix="ogg", fetch=writes(5000, calls)) as path:
            assert path.stat().st_size == 5000
            assert path.parent == tmp_path / "sound"
            assert path.suffix == ".ogg"
    assert len(calls) == 1
    with cache.file("source", "a/../b", "2", suffix="../x", fetch=writes(10, calls)) as path:
        assert path.suffix == ""
    assert len(calls) == 2


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, MB)
    paths = []
    for number in range(3):
        with cache.file(str(number), fetch=writes(300_000)) as path:
            paths.append(path)
        then = time.time() - 1000 + number
        os.utime(path, (then, then))
    with cache.file("0", fetch=writes(1)):
        pass
    with cache.file("new", fetch=writes(300_000)):
        pass
    assert [path.exists() for path in paths] == [True, False, True]
    assert held(cache) <= MB


def test_what_nobody_used_for_long_goes_though_there_is_room(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, MB)
    paths = {}
    for name in ("old", "young"):
        with cache.file(name, fetch=writes(1000)) as paths[name]:
            pass
    for name, days in (("old", KEEP_DAYS + 1), ("young", KEEP_DAYS - 1)):
        then = time.time() - days * 24 * 3600
        os.utime(paths[name], (then, then))
    with cache.file("new", fetch=writes(1000)):
        assert [paths[name].exists() for name in ("old", "young")] == [False, True]


def test_a_process_that_is_killed_leaves_what_the_next_one_goes_on_with(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from library.sources.subsonic.cache import SoundCache\n"
        "def fetch(part):\n"
        "    part.write(b'a' * 300_000)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "SoundCache(Path(sys.argv[1]), 1024 * 1024).file('song', fetch=fetch).__enter__()"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert killed.returncode == -signal.SIGKILL
    found = []

    def goes_on(part: Part) -> None:
        found.append(part.size)
        part.write(b"a" * (300_000 - part.size))

    with SoundCache(tmp_path, MB).file("song", fetch=goes_on) as path:
        assert path.read_bytes() == b"a" * 300_000
    assert found[0] > 200_000
    assert not [name for name in tmp_path.iterdir() if name.suffix in (".part", ".room")]


def test_a_file_that_is_in_use_stays(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, MB)
    with cache.file("used", fetch=writes(600_000)) as path:
        with (
            pytest.raises(UnreadableFile, match="does not fit"),
            cache.file("new", fetch=writes(600_000)),
        ):
            pass
        assert path.exists()
    with cache.file("new", fetch=writes(600_000)):
        assert not path.exists()


def test_a_server_that_sends_without_end_fills_no_more_than_the_bound(tmp_path: Path) -> None:
    cache, largest = SoundCache(tmp_path, MB), 0

    def endless(part: Part) -> None:
        nonlocal largest
        while True:
            part.write(b"x" * 64_000)
            largest = max(largest, held(cache))

    refused = pytest.raises(UnreadableFile, match="EARMARK_SOUND_CACHE_MB")
    with refused, cache.file("endless", fetch=endless):
        pass
    # The empty file that counts room is as long as what is fetched, and takes nothing.
    assert largest <= 2 * MB
    assert sum(path.stat().st_blocks * 512 for path in tmp_path.iterdir()) <= MB


def test_what_was_fetched_in_part_is_gone_on_with(tmp_path: Path) -> None:
    cache = SoundCache(tmp_path, MB)

    def breaks(part: Part) -> None:
        part.write(b"a" * 400)
        raise ConnectionError

    def goes_on(part: Part) -> None:
        assert part.size == 400
        part.write(b"b" * 100)

    with pytest.raises(ConnectionError), cache.file("song", fetch=breaks):
        pass
    with cache.file("song", fetch=goes_on) as path:
        assert path.read_bytes() == b"a" * 400 + b"b" * 100
    assert not [name for name in tmp_path.iterdir() if name.suffix in (".part", ".room")]


def test_two_at_once_fetch_a_file_once(tmp_path: Path) -> None:
    cache, calls, sizes = SoundCache(tmp_path, MB), [], []
    began, go_on = threading.Event(), threading.Event()

    def slow(part: Part) -> None:
        calls.append(1)
        part.write(b"x" * 100)
        began.set()
        go_on.wait(5)

    def use() -> None:
        with cache.file("song", fetch=slow) as path:
            sizes.append(path.stat().st_size)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert began.wait(5)
    go_on.set()
    for thread in threads:
        thread.join()
    assert (calls, sizes) == ([1], [100] * 3)


def test_several_at_once_stay_within_the_bound_together(tmp_path: Path) -> None:
    cache, failed = SoundCache(tmp_path, MB), []

    def use(number: int) -> None:
        try:
            with cache.file(str(number), fetch=writes(200_000)):
                pass
        except UnreadableFile:
            failed.append(number)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(cache) <= MB
    assert len(failed) < 12
