"""The songs of a source: read one by one, written in batches."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from library import song_batches
from library.sources.records import SongRecord
from progress.errors import CancelRequested, JobFailure
from progress.events import ItemStatus

from .base import PipelineTask
from .sources import reading
from .sync_place import Place, Tally

#: A batch is written when it has so many songs, or is this old: an item is in progress until its
#: row is written, and a sync that is broken off reads a batch again.
BATCH_SONGS = 100
BATCH_SECONDS = 1.0
#: So many unchanged songs are told at once.
TOLD_SONGS = 2_000


def read_songs(task: PipelineTask, place: Place, tally: Tally) -> None:
    """Read and write the songs that are not as they were. A file that cannot be read fails alone.

    Raises:
        SourceFailure: the source went away; what was read before is written.
    """
    names = place.contents.songs
    with task.job.phase(f"songs{place.suffix}", total=len(names) + len(place.unseen)):
        batch = _Batch(task, place, tally)
        try:
            for index, name in enumerate(names, 1):
                if name in place.unchanged:
                    _tell_unchanged(task, name, place.contents.label(name), tally)
                else:
                    batch.announce(index)
                    batch.read(name, index)
                batch.write_if_due()
        except (JobFailure, CancelRequested):
            batch.write()
            raise
        batch.write()
        for name, reason in place.unseen.items():
            tally.failed += 1
            stays = f"{reason} What is known of it stays."
            task.item_failed(name, kind="folder", label=name, reason=stays)


def _tell_unchanged(task: PipelineTask, name: str, label: str, tally: Tally) -> None:
    task.job.raise_if_stopped()
    if tally.songs % TOLD_SONGS == 0:
        # They are told faster than they are sent, and wait in memory.
        task.job.flush()
    task.job.item_status(name, ItemStatus.SUCCEEDED, kind="song", label=label)
    tally.songs += 1
    tally.succeeded += 1


@dataclass
class _Batch:
    """Songs that are read and not written yet; their items are in progress."""

    task: PipelineTask
    place: Place
    tally: Tally
    _records: list[SongRecord] = field(default_factory=list)
    _items: list[ExitStack] = field(default_factory=list)
    _begun: float = field(default_factory=time.monotonic)
    #: The songs up to this one were announced.
    _announced: int = 0

    def announce(self, index: int) -> None:
        """Say which songs come next, from the one of a number on, where that is not said yet."""
        if index <= self._announced:
            return
        names = self.place.contents.songs[index - 1 : index - 1 + BATCH_SONGS]
        self._announced = index - 1 + len(names)
        unchanged, label = self.place.unchanged, self.place.contents.label
        waiting = [(name, label(name)) for name in names if name not in unchanged]
        self.task.job.queue(waiting, kind="song")

    def read(self, name: str, index: int) -> None:
        """Read a song. One that cannot be read fails at once."""
        contents = self.place.contents
        label, count = contents.label(name), len(contents.songs)
        with ExitStack() as stack:
            stack.enter_context(
                self.task.item(name, kind="song", label=label, index=index, count=count)
            )
            with reading(self.place.music, name):
                record = self.place.music.read_song(name)
            if not self._records:
                self._begun = time.monotonic()
            self._records.append(record)
            # Its item stays in progress until its row is written.
            self._items.append(stack.pop_all())
            return
        self.tally.failed += 1

    def write_if_due(self) -> None:
        """Write what is read if it is enough, or old enough."""
        is_old = bool(self._records) and time.monotonic() - self._begun >= BATCH_SECONDS
        if is_old or len(self._records) >= BATCH_SONGS:
            self.write()

    def write(self) -> None:
        """Write what is read, and say that it is done."""
        if not self._records:
            return
        records, items = self._records, self._items
        self._records, self._items = [], []
        try:
            with self.task.database.session() as session:
                song_batches.save_all(
                    session,
                    account_id=self.task.account_id,
                    source_id=self.place.source_id,
                    records=records,
                )
        except BaseException:
            for item in items:
                item.__exit__(*sys.exc_info())
            raise
        for item in items:
            item.close()
        self.tally.songs += len(records)
        self.tally.succeeded += len(records)
