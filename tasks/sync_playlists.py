"""The playlists of a source, and what they and the ratings say of loved songs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from sqlalchemy.orm import Session

from library import gone, liked_lists, likes, list_files, playlists, song_renames, songs
from library.models import utc_now
from library.moves import Print
from library.same_song import Named
from library.sources.contents import part_of
from library.sources.places import SongIndex
from library.sources.records import PlaylistRecord
from library.sources.source import SourceOfFiles
from progress.events import ItemStatus

from .base import PipelineTask
from .sources import reading
from .sync_place import Place, Tally


def read_playlists(task: PipelineTask, place: Place, tally: Tally) -> None:
    """Read the playlists whose files are not as they were, or whose songs are not."""
    names = place.contents.playlists
    lists, unchanged = _Lists(task, place), set[str]()
    with task.job.phase(f"playlists{place.suffix}", total=len(names)):
        for index, name in enumerate(names, 1):
            if lists.is_unchanged(name):
                task.job.raise_if_stopped()
                label = place.contents.label(name)
                task.job.item_status(name, ItemStatus.SUCCEEDED, kind="playlist", label=label)
                unchanged.add(name)
                tally.succeeded += 1
                continue
            records = lists.read(name, index)
            if records is None:
                tally.unread.add(name)
                tally.failed += 1
                continue
            lists.note_read(name, records, tally)
            tally.succeeded += 1
            for record in records:
                missing = [(e.place, e.label) for e in record.entries if e.is_missing]
                said = record.external_id, record.name, missing
                tally.failed += _report_missing(task, place, *said)
        for known in lists.missing_of(unchanged):
            tally.failed += _report_missing(task, place, *known)
    tally.unread |= unchanged
    with task.database.reading() as session:
        tally.playlists = playlists.count_of_source(session, source_id=place.source_id)


@dataclass
class _Lists:
    """The files with playlists of a source, and what is needed to read them."""

    task: PipelineTask
    place: Place

    @cached_property
    def _known(self) -> dict[str, Print]:
        """The files as they were read; none of them, where the name of a song has changed since."""
        if not self.place.is_known_by_rules or not isinstance(self.place.music, SourceOfFiles):
            return {}
        with self.task.database.reading() as session:
            return list_files.prints(session, source_id=self.place.source_id)

    @cached_property
    def _chosen(self) -> dict[str, bool]:
        with self.task.database.reading() as session:
            return liked_lists.chosen(session, source_id=self.place.source_id)

    @cached_property
    def _songs(self) -> tuple[SongIndex, SongIndex, dict[str, UUID]]:
        """Those that are there, those that are gone, and the ids of all."""
        source_id, root = self.place.source_id, self.place.music.root
        with self.task.database.reading() as session:
            present = songs.ids_by_external(session, source_id=source_id)
            hidden = gone.songs_by_external(session, source_id=source_id)
            former = song_renames.former_names(session, source_id=source_id)
        indexes = SongIndex(present, root, former, named=self._named), SongIndex(hidden, root)
        hidden.update(former)
        hidden.update(present)
        return *indexes, hidden

    def _named(self) -> dict[str, Named]:
        with self.task.database.reading() as session:
            return songs.named(session, source_id=self.place.source_id)

    def is_unchanged(self, name: str) -> bool:
        """Whether a file is as it was read, and so are the names of songs."""
        known = self._known.get(name)
        return known is not None and known == self.place.music.fingerprint(name)

    def read(self, name: str, index: int) -> tuple[PlaylistRecord, ...] | None:
        """Read and write the playlists of a file; None where it cannot be read."""
        contents = self.place.contents
        label, count = contents.label(name), len(contents.playlists)
        item = self.task.item(name, kind="playlist", label=label, index=index, count=count)
        with item:
            present, hidden, _ = self._songs
            with reading(self.place.music, name):
                found = self.place.music.read_playlists(name, present, hidden)
            records = tuple(
                replace(one, is_liked=self._chosen.get(one.external_id, one.is_liked))
                for one in found
            )
            with self.task.database.session() as session:
                self._save(session, name, records)
            return records
        return None

    def _save(self, session: Session, name: str, records: tuple[PlaylistRecord, ...]) -> None:
        kept = [record for record in records if not record.is_liked]
        here = {record.external_id for record in kept}
        # A list of liked songs may have been a playlist before it was named so.
        over = [known for known in (*self.place.known_playlists, name) if part_of(known, (name,))]
        source_id, ids = self.place.source_id, self._songs[2]
        gone.mark(
            session,
            source_id=source_id,
            playlists=[known for known in over if known not in here],
            now=utc_now(),
        )
        for record in kept:
            playlists.save(
                session,
                account_id=self.task.account_id,
                source_id=source_id,
                external_id=record.external_id,
                name=record.name,
                song_ids=[ids.get(entry.song or "") for entry in record.entries],
                missing={at: e for at, e in enumerate(record.entries) if e.is_missing},
            )

    def note_read(self, name: str, records: tuple[PlaylistRecord, ...], tally: Tally) -> None:
        """Keep what a file says is loved, and have it be noted as read when that is written."""
        songs_there, _, ids = self._songs
        for record in records:
            if record.is_liked:
                tally.loved[record.external_id] = record.name
                there = [song for song in record.songs if song in songs_there]
                tally.said_by |= {ids[song]: record.external_id for song in there}
        music = self.place.music
        print_: Print | None = music.fingerprint(name)
        key = music.list_key(name) if isinstance(music, SourceOfFiles) else None
        if print_ is None or key is None:
            return
        if any(record.is_liked and record.missing for record in records):
            # What such a list misses is kept nowhere: it is read again, to be said again.
            print_ = (None, None, None)
        tally.read_lists[name] = list_files.Read(print_, key)

    def missing_of(self, files: set[str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """What the playlists in these files miss, as it was when they were read."""
        if not files:
            return []
        with self.task.database.reading() as session:
            missing = playlists.missing_of_source(session, source_id=self.place.source_id)
        return [
            (external_id, name, entries)
            for (external_id, name), entries in missing.items()
            if part_of(external_id, files) is not None
        ]


def _report_missing(
    task: PipelineTask, place: Place, external_id: str, name: str, entries: list[tuple[str, str]]
) -> int:
    """Say which entries of a playlist, as places and labels, name songs that are not there."""
    is_folder = place.music.root is not None
    what = "a file that is not in the folder" if is_folder else "a song that is not in this source"
    missing = {(written or label): label for written, label in entries}
    if missing:
        task.job.add_total(len(missing))
    for written, label in missing.items():
        task.item_failed(
            f"{external_id}\n{written}",
            kind="song",
            label=label,
            reason=f"The playlist “{name}” names {what}.",
        )
    return len(missing)


def read_liked(task: PipelineTask, place: Place, tally: Tally) -> None:
    """Bring what is loved up to date. What a list said that was not read now, it says still."""
    read = {*place.contents.playlists, *place.loss.missing_playlists} - tally.unread
    is_all_read = not tally.unread and not place.unseen

    def is_unread(name: str | None) -> bool:
        return not is_all_read if name is None else part_of(name, read) is None

    account_id, source_id = task.account_id, place.source_id
    with task.job.phase(f"liked songs{place.suffix}"), task.database.session() as session:
        likes.replace(
            session,
            account_id=account_id,
            source_id=source_id,
            song_ids=list(tally.said_by),
            said_by=tally.said_by,
            is_unread=is_unread,
        )
        likes.follow_ratings(session, account_id=account_id, source_id=source_id)
        liked_lists.set_found(
            session,
            account_id=account_id,
            source_id=source_id,
            lists=tally.loved,
            is_unread=is_unread,
        )
        # Not before: a sync that is broken off would leave out what the files say is loved.
        list_files.set_read(
            session, account_id=account_id, source_id=source_id, files=tally.read_lists
        )
