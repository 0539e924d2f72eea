"""Having sounds made: a process for each, a few at once on a machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from library.sound import mp3
from library.sound.content import Content, GrowingFile, WholeFile
from library.sound.samples import Clip
from library.sound.songs import Place
from library.sound.store import SoundKey, SoundStore, is_at, take_lock
from library.sources.source import Installation

from .order import Order, SongOrder

#: So many are made at once on a machine, whichever process has them made.
MAKERS = 2
RETRY_AFTER_SECONDS = 2
#: A maker that is asked to end has so long.
_END_SECONDS = 1.0
#: A maker may end between two looks.
_TRIES = 3
_HERE = str(Path(__file__).parents[1])


class Busy(Exception):
    """All makers are at work."""


class CannotBeMade(Exception):
    """Nothing can be made of a song; says why in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A song whose sound is wanted as MP3, or whose waveform is."""

    account_id: UUID
    place: Place
    #: What its content is known by.
    version: str
    #: Its file; None: its source has it.
    file: int | None
    #: What is wanted of it; None: all.
    clip: Clip | None = None

    @property
    def frames(self) -> int | None:
        """The frames of its MP3, where its length is known."""
        seconds = self.place.seconds if self.clip is None else self.clip.seconds
        return mp3.frames_of(seconds) if seconds else None

    @property
    def size_bytes(self) -> int | None:
        """The size of its MP3, where its length is known."""
        return None if self.frames is None else self.frames * mp3.FRAME_BYTES

    @property
    def sound(self) -> SoundKey:
        """Names its MP3."""
        begin = None if self.clip is None else self.clip.from_seconds
        parts = (self.version, mp3.FORM, self.frames, begin)
        return SoundKey.of(self.account_id, self.place.song_id, *parts)

    @property
    def waveform(self) -> SoundKey:
        """Names its waveform."""
        return SoundKey.of(self.account_id, self.place.song_id, self.version, "waveform")


class Makers:
    """Has sounds made, and finds those that are."""

    def __init__(self, store: SoundStore, installation: Installation) -> None:
        self.store, self.installation = store, installation
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[str]] = []
        # Also when the process ends: nobody would wait for what they make.
        weakref.finalize(self, _end, self._running)

    def sound(self, wish: Wish) -> Content:
        """A song's MP3, whole or under way.

        Raises:
            Busy: it has to be made, and others are.
            CannotBeMade: nothing can be made of the song.
            OSError: there is no place to write to.
        """
        for _ in range(_TRIES):
            found = self.store.open_whole(self.store.whole(wish.sound))
            if found is not None:
                return WholeFile.of(found)
            self._begin(wish, wish.sound)
            # It is gone where the maker has ended meanwhile.
            with suppress(FileNotFoundError):
                part = os.open(self.store.part(wish.sound), os.O_RDONLY | os.O_CLOEXEC)
                return GrowingFile(part, wish.size_bytes)
        raise Busy

    def size_bytes(self, wish: Wish) -> int | None:
        """The size of a song's MP3 where it is whole already."""
        try:
            return self.store.whole(wish.sound).stat().st_size
        except OSError:
            return None

    def waveform(self, wish: Wish) -> bytes | None:
        """A song's waveform; None: it is being made.

        Raises:
            CannotBeMade: nothing can be made of the song.
            OSError: there is no place to write to.
        """
        path = self.store.waveform(wish.waveform)
        found = self.store.open_whole(path)
        if found is None:
            # It comes with the MP3, where that is under way.
            with suppress(Busy):
                if not self.store.is_under_way(wish.sound):
                    self._begin(wish, wish.waveform)
            return None
        with os.fdopen(found, "rb") as file:
            return file.read()

    def _begin(self, wish: Wish, key: SoundKey) -> None:
        """Have a key made, unless it is under way."""
        reason = self.store.reason(key)
        if reason is not None:
            raise CannotBeMade(reason)
        self.store.prepare(key)
        part = self.store.part(key)
        has_died = self.store.has_just_died(part)
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # A maker that ended in between has given the file another name.
            if not take_lock(descriptor) or not is_at(descriptor, part):
                return
            if has_died:
                raise CannotBeMade("Its sound could not be made.")
            os.ftruncate(descriptor, 0)
            self._start(wish, key, descriptor)
        finally:
            os.close(descriptor)

    def _start(self, wish: Wish, key: SoundKey, part: int) -> None:
        slot = self._free_slot()
        order = Order(
            folder=str(self.store.folder),
            most_bytes=self.store.most_bytes,
            account_id=str(wish.account_id),
            song=None if wish.file is not None else SongOrder.of(wish.place, self.installation),
            sound=wish.sound.digest if key == wish.sound else None,
            waveform=wish.waveform.digest,
            frames=wish.frames,
            from_seconds=wish.clip.from_seconds if wish.clip is not None else None,
            file=wish.file,
            part=part,
        )
        passed = [part, slot] if wish.file is None else [part, slot, wish.file]
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "web.sound.maker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                pass_fds=passed,
                env=os.environ | {"PYTHONPATH": _path(), "OPENBLAS_NUM_THREADS": "1"},
            )
        finally:
            os.close(slot)
        if process.stdin is not None:
            with suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(order.to_json())
        self._reap(process)

    def _free_slot(self) -> int:
        """The lock of a maker's place, which is held until the maker has ended."""
        for number in range(MAKERS):
            path = self.store.folder / f"maker-{number}"
            slot = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if take_lock(slot):
                return slot
            os.close(slot)
        raise Busy

    def _reap(self, *more: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running[:] = [p for p in (*self._running, *more) if p.poll() is None]


def _path() -> str:
    """Where a maker finds this code, also where it is not installed, and all that this finds."""
    return os.pathsep.join(filter(None, (_HERE, os.environ.get("PYTHONPATH"))))


def _end(running: list[subprocess.Popen[str]]) -> None:
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:  # a decoder hangs in a damaged file
            process.kill()
            process.wait()
