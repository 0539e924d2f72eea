"""Two real music servers, each a process of its own over a folder of short songs."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mutagen.oggvorbis import OggVorbis

ROOT = Path(__file__).parents[2]
MANEKI = ROOT / ".venv-maneki" / "bin" / "maneki"
START_SECONDS = 60
#: Artist, album and how many songs.
ALBUMS = (("The Waves", "Low Tide", 3), ("The Waves", "High Tide", 2), ("Ada Winter", "Snow", 2))


@dataclass(frozen=True)
class RealServer:
    """A server that runs, and the folder whose songs it has."""

    name: str
    address: str
    user: str
    password: str
    music: Path

    def files(self) -> dict[str, Path]:
        return {path.stem.partition(" - ")[2]: path for path in self.music.rglob("*.ogg")}


def write_songs(folder: Path, albums: Iterable[tuple[str, str, int]] = ALBUMS) -> None:
    """Songs of a second each, with tags, in folders by artist and album."""
    noise = io.BytesIO()
    sound = np.random.default_rng(1).uniform(-0.1, 0.1, 22_050)
    soundfile.write(noise, sound, 22_050, format="OGG", subtype="VORBIS")
    for artist, album, count in albums:
        place = folder / artist / album
        place.mkdir(parents=True)
        for number in range(1, count + 1):
            title = f"{album} {number}"
            path = place / f"{number:02} - {title}.ogg"
            path.write_bytes(noise.getvalue())
            tags = OggVorbis(path)
            names = {"title": title, "artist": artist, "album": album, "albumartist": artist}
            tags.update(names | {"genre": "Folk", "tracknumber": str(number), "date": "1999"})
            tags.save()


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def supysonic(
    folder: Path, albums: Iterable[tuple[str, str, int]] = ALBUMS
) -> Iterator[RealServer]:
    """Subsonic 1.12 without extensions and tokens, in Python."""
    write_songs(folder / "music", albums)
    (folder / "cache").mkdir()
    # It reads `supysonic.conf` in its working folder.
    (folder / "supysonic.conf").write_text(
        f"[base]\ndatabase_uri = sqlite:///{folder}/supysonic.db\n"
        f"[webapp]\ncache_dir = {folder}/cache\n[daemon]\nsocket = {folder}/daemon.sock\n"
    )
    program = Path(sys.executable).with_name("supysonic-cli")
    for said in (
        ("user", "add", "ada", "-p", "correct horse"),
        ("folder", "add", "Music", str(folder / "music")),
        ("folder", "scan", "--foreground", "Music"),
    ):
        subprocess.run([program, *said], cwd=folder, check=True, capture_output=True)
    port = _port()
    server = program.with_name("supysonic-server")
    command = [server, "-S", "waitress", "-h", "127.0.0.1", "-p", str(port)]
    with _running(command, folder, port):
        address = f"http://127.0.0.1:{port}"
        yield RealServer("supysonic", address, "ada", "correct horse", folder / "music")


@contextmanager
def maneki(folder: Path) -> Iterator[RealServer]:
    """OpenSubsonic 1.16 with tokens and forms, which finds no song by an empty search."""
    if not MANEKI.exists():
        pytest.skip(
            "the music server maneki is not installed: run .ci/music-servers, "
            "which needs Python 3.13 or newer"
        )
    write_songs(folder / "music")
    port = _port()
    command = [MANEKI, "serve", folder / "music", "--host", "127.0.0.1", "--port", str(port)]
    with _running([*command, "--no-artist-images", "--no-ui"], folder, port):
        address = f"http://127.0.0.1:{port}/audio/rest/"
        yield RealServer("maneki", address, "admin", "admin", folder / "music")


@contextmanager
def _running(command: Sequence[str | Path], folder: Path, port: int) -> Iterator[None]:
    environment = os.environ | {"HOME": str(folder)}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(process, port, folder)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(folder / "cache", ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        said = (folder / "server.log").read_text("utf-8", "replace")
        assert process.poll() is None, said
        assert time.monotonic() < ends_at, said
        time.sleep(0.05)
