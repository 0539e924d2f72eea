"""Listening: pages beside clients that take a song slowly, and how soon a song that is made plays.

``slow``: a person's pages, one after the other, beside listeners that read 1 KB a second each, on a
worker with one thread and with four; ``least_read`` is the fewest bytes that one of them got.
``made``: songs of three minutes that browsers do not play: seconds of sound for each second of a
processor, and how long a player waits for the first byte, for that of ten seconds from a third on,
and for one at two thirds.
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import soundfile

from library.database import Database
from library.sound.making import make
from library.sound.mp3 import FRAME_BYTES, frames_of
from library.synth import RATE_HZ, Score, Sound, render
from tests.integration.web.listening import Listener, encode, listener
from tests.integration.web.served import serve
from tests.servers import Server, valkey

from ._table import tell

SONG_BYTES = 30_000_000
#: An account has 12 listeners at most.
EACH = 10
SONG_SECONDS = 180.0
CLIP = "?from=60&seconds=10"
Row = dict[str, object]


def _by_ffmpeg(codec: str, form: str) -> Callable[[Path, Sound], None]:
    return partial(encode, rate_hz=RATE_HZ, codec=codec, form=form)


#: How files are written, by their endings.
FORMATS: dict[str, Callable[[Path, Sound], None]] = {
    "aiff": partial(soundfile.write, samplerate=RATE_HZ),
    "m4a": _by_ffmpeg("alac", "ipod"),
    "wma": _by_ffmpeg("wmav2", "asf"),
    "wv": _by_ffmpeg("wavpack", "wv"),
}


def main() -> None:
    """Run what is chosen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, nargs="*", default=[0, 50, 200])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--pages", type=int, default=200, help="for each figure")
    asked = parser.parse_args()
    with valkey() as server:
        rows = [
            row
            for threads in asked.threads
            for row in slow(server, threads, asked.listeners, asked.pages)
        ]
        tell("Pages beside listeners that read 1 KB/s", rows)
        tell("Songs that are made into MP3", list(made(server)))


def slow(server: Server, threads: int, counts: Sequence[int], pages: int) -> Iterator[Row]:
    """A row for each number of listeners."""
    with _site(server, threads, max(counts) // EACH + 1) as people:
        _pages(people[0], 20)
        for count in counts:
            with _slow_listeners(people[1:], count) as read:
                found = sorted(_pages(people[0], pages))
            yield {
                "bench": "sound",
                "case": "slow",
                "threads": threads,
                "listeners": count,
                "page_p50_ms": 1_000 * statistics.median(found),
                "page_p95_ms": 1_000 * found[int(0.95 * len(found))],
                "least_read": min(read) if read else None,
            }


@contextmanager
def _site(server: Server, threads: int, accounts: int) -> Iterator[list[Listener]]:
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as name:
        music, folder = Path(name) / "music", Path(name) / "data"
        music.mkdir()
        folder.mkdir()
        (music / "song.flac").write_bytes(b"fLaC" + random.Random(1).randbytes(SONG_BYTES))
        # Each account has an address of its own: sign-ins are limited for each.
        settings = {"GUNICORN_CMD_ARGS": f"--threads={threads}", "EARMARK_TRUSTED_PROXIES": "1"}
        with (
            serve(server, folder, **settings) as site,
            closing(Database(site.database_url)) as database,
        ):
            yield [listener(site, database, music, "x" * (n + 1)) for n in range(accounts)]


@contextmanager
def _slow_listeners(people: Sequence[Listener], count: int) -> Iterator[list[int]]:
    """So many connections that read 1 KB a second; what each has read by the end."""
    read = [0] * count
    stop = threading.Event()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(people[n // EACH].ask("song.flac", small_buffer=True))
            for n in range(count)
        ]
        reader = threading.Thread(target=_read_slowly, args=(clients, read, stop))
        reader.start()
        try:
            yield read
        finally:
            stop.set()
            reader.join()


def _read_slowly(clients: Sequence[socket.socket], read: list[int], stop: threading.Event) -> None:
    while not stop.wait(0.25):
        for number, client in enumerate(clients):
            read[number] += len(client.recv(256))


def _pages(person: Listener, count: int) -> list[float]:
    found = []
    for _ in range(count):
        begun = time.monotonic()
        answer = person.site.get("/account", Cookie=person.cookie)
        if answer.status != 200:
            raise RuntimeError(f"The page answers {answer.status}.")
        found.append(time.monotonic() - begun)
    return found


def made(server: Server) -> Iterator[Row]:
    """A row for each format."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as name:
        music, folder = Path(name) / "music", Path(name) / "data"
        music.mkdir()
        folder.mkdir()
        sound = render(Score("strings", 96, 7, "major", 9, seconds=SONG_SECONDS))
        for form, write in FORMATS.items():
            for place in ("begin", "late", "clip"):
                write(music / f"{place}.{form}", sound)
        lengths = dict.fromkeys(("begin", "late", "clip"), SONG_SECONDS)
        with serve(server, folder) as site, closing(Database(site.database_url)) as database:
            person = listener(site, database, music, "listener", **lengths)
            for form in FORMATS:
                yield {
                    "bench": "sound",
                    "case": "made",
                    "format": form,
                    "times_as_fast": _speed(music / f"begin.{form}"),
                    "first_byte_ms": 1_000 * _wait(person, f"begin.{form}", 0),
                    "clip_ms": 1_000 * _wait(person, f"clip.{form}", 0, query=CLIP),
                    "at_two_thirds_ms": 1_000 * _wait(person, f"late.{form}", 2 / 3),
                }


def _speed(path: Path) -> float:
    with tempfile.TemporaryFile() as part:
        begun = time.process_time()
        make(path, frames=frames_of(SONG_SECONDS), part=part.fileno())
        return SONG_SECONDS / (time.process_time() - begun)


def _wait(person: Listener, name: str, share: float, *, query: str = "") -> float:
    """Seconds until the first byte at a place of a song that is not made yet."""
    place = int(share * frames_of(SONG_SECONDS)) * FRAME_BYTES
    begun = time.monotonic()
    with person.ask(name, query, Range=f"bytes={place}-") as client:
        came = b""
        while b"\r\n\r\n" not in came or came.endswith(b"\r\n\r\n"):
            came += client.recv(1)
        waited = time.monotonic() - begun
        if not came.startswith(b"HTTP/1.1 206"):
            raise RuntimeError(f"{name}: {came[:100]!r}")
        while client.recv(1 << 16):  # the next one has a maker of its own
            pass
    return waited


if __name__ == "__main__":
    main()
