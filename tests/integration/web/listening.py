"""An account with songs that can be heard, of a site under a real gunicorn."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import av
import numpy as np

from library import account_sources, accounts, songs
from library.database import Database
from library.sources.records import SongRecord
from tests.integration.web.conftest import PASSWORD, PASSWORD_HASH
from tests.integration.web.served import Served


@dataclass(frozen=True)
class Listener:
    """A signed-in browser, and its songs by the names of their files."""

    site: Served
    cookie: str
    songs: Mapping[str, UUID]

    def path(self, name: str, query: str = "") -> str:
        return f"/api/songs/{self.songs[name]}/sound{query}"

    def ask(
        self, name: str, query: str = "", *, small_buffer: bool = False, **headers: str
    ) -> socket.socket:
        """A connection that has asked for a song's sound, and has read nothing of it."""
        client = socket.socket()
        if small_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        client.settimeout(20)
        client.connect(("127.0.0.1", self.site.port))
        lines = [f"GET {self.path(name, query)} HTTP/1.1", "Host: x", f"Cookie: {self.cookie}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        return client


def keep_songs(
    database: Database, account_id: UUID, folder: Path, **seconds: float
) -> dict[str, UUID]:
    """Rows for the files of a folder, as a sync makes them; lengths by names without endings."""
    with database.session() as session:
        source = account_sources.add(
            session, account_id=account_id, location=str(folder), name="Music"
        )
        kept = {}
        for file in sorted(folder.iterdir()):
            record = SongRecord(
                external_id=file.name,
                title=file.stem,
                duration_seconds=seconds.get(file.stem),
                size_bytes=file.stat().st_size,
                modified_ns=str(file.stat().st_mtime_ns),
            )
            kept[file.name] = songs.save(
                session, account_id=account_id, source_id=source.id, record=record
            ).id
        return kept


def listener(
    site: Served, database: Database, folder: Path, name: str, **seconds: float
) -> Listener:
    """A new account whose music is in a folder, signed in."""
    email = f"{name}@example.org"
    with database.session() as session:
        account_id = accounts.create(session, email=email, password_hash=PASSWORD_HASH).id
    form = {"email": email, "password": PASSWORD}
    answer = site.post("/sign-in", form, [("X-Forwarded-For", f"2001:db8:{len(name)}::1")])
    assert answer.status == 303, answer.text
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    return Listener(site, cookie, keep_songs(database, account_id, folder, **seconds))


def encode(path: Path, sound: np.ndarray, *, rate_hz: int, codec: str, form: str) -> None:
    """Mono sound as a stereo file of a codec in a container of FFmpeg's."""
    with av.open(str(path), "w", format=form) as container:
        stream: Any = container.add_stream(codec, rate=rate_hz, layout="stereo")
        stream.bit_rate = 192_000
        samples = sound.astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), "fltp", "stereo")
        frame.sample_rate = rate_hz
        size = stream.frame_size or 1_024
        resampler = av.AudioResampler(stream.format.name, "stereo", rate_hz, size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
