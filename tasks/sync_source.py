"""The sync of one source: its songs, its playlists, and what of them is loved.

What could not be looked at is not gone, and what is missing in a large part is not believed to be:
such a sync fails, removes nothing, and its page asks the person.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from library import account_sources, gone, liked_lists, likes, playlists, songs
from library.loss import Loss, assess
from library.models import utc_now
from library.sources.contents import Contents, part_of
from library.sources.places import SongIndex
from library.sources.records import PlaylistRecord
from library.sources.source import MusicSource, SourceRow

from .base import PipelineTask
from .sources import SourceFailure, failing_with_the_source, reading


@dataclass(frozen=True)
class _Place:
    """What one sync reads."""

    source_id: UUID
    #: Where it was when the sync began.
    location: str
    music: MusicSource
    contents: Contents
    #: The playlists that were there at the last sync, those of liked songs among them.
    known_playlists: frozenset[str]
    loss: Loss
    #: Size, time and inode of the songs as they are known: what is unchanged is not read again.
    fingerprints: dict[str, tuple[str, ...]]
    #: What could not be looked at and stays as it is known, with the reasons.
    unseen: dict[str, str]
    #: What ends the names of its phases.
    suffix: str = ""


@dataclass
class _Tally:
    """What one sync came to."""

    succeeded: int = 0
    failed: int = 0
    songs: int = 0
    playlists: list[PlaylistRecord] = field(default_factory=list)
    #: The files with playlists that could not be read.
    unread: set[str] = field(default_factory=set)


class LossRefused(SourceFailure):
    """A source that lacks too much to be believed; nothing was removed."""

    def __init__(self, message: str, loss: dict[str, Any]) -> None:
        super().__init__(message, code="source_incomplete")
        #: As a job's page shows it.
        self.loss = loss


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the sync of one source came to."""

    succeeded: int
    failed: int
    #: Songs, playlists, how many songs are gone and how many folders could not be looked at.
    counts: dict[str, int]


def phases(suffix: str) -> dict[str, float]:
    """The phases of one source, with their weights."""
    return {f"songs{suffix}": 8.0, f"playlists{suffix}": 1.0, f"liked songs{suffix}": 1.0}


def read(
    task: PipelineTask,
    row: SourceRow,
    music: MusicSource,
    *,
    suffix: str = "",
    confirmed_loss: str | None = None,
) -> Outcome:
    """Read a source's songs and playlists. What cannot be read fails by itself.

    `suffix` ends the names of the phases; `confirmed_loss` is the key of the one loss which the
    person has confirmed.

    Raises:
        SourceFailure: it cannot be read, or lacks too much.
    """
    with failing_with_the_source():
        place = replace(_look(task, row, music), suffix=suffix)
        _refuse_a_large_loss(place, confirmed_loss)
        return _read(task, place)


def _look(task: PipelineTask, row: SourceRow, music: MusicSource) -> _Place:
    """Scan the source, and compare what is there with what was."""
    source_id = row.id
    contents = music.scan()
    with task.database.session() as session:
        known = gone.known(session, account_id=task.account_id, source_id=source_id)
        location, synced = account_sources.locations(session, source_id=source_id)
        prints = songs.fingerprints(session, source_id=source_id, read_version=music.read_version)
    loss = assess(
        known,
        missing_songs=contents.missing(sorted(known.songs), music.is_there),
        missing_playlists=contents.missing(sorted(known.playlists), music.is_there),
        top_folders=contents.top_folders,
        source_id=source_id,
        is_expected=synced not in (None, location) and bool(contents.songs),
    )
    unseen = contents.kept_unseen((*known.songs, *known.playlists))
    return _Place(
        source_id, location, music, contents, frozenset(known.playlists), loss, prints, unseen
    )


def _refuse_a_large_loss(place: _Place, confirmed: str | None) -> None:
    """Remove nothing where too much is missing, unless its person has said that this is real.

    Raises:
        LossRefused: it is so.
    """
    if place.loss.is_too_much and place.loss.key != confirmed:
        raise LossRefused(place.loss.sentence(place.music.where), place.loss.as_json())


def _read(task: PipelineTask, place: _Place) -> Outcome:
    tally = _Tally()
    _read_songs(task, place, tally)
    # Its disk may have gone since: then what was found missing is not.
    place.music.check()
    missing = place.loss
    with task.database.session() as session:
        gone.mark(
            session,
            source_id=place.source_id,
            songs=missing.missing_songs,
            playlists=missing.missing_playlists,
            now=utc_now(),
        )
    _read_playlists(task, place, tally)
    _read_liked(task, place, tally)
    with task.database.session() as session:
        account_sources.set_synced(
            session,
            source_id=place.source_id,
            location=place.location,
            now=utc_now(),
            read_version=place.music.read_version,
        )
    return Outcome(tally.succeeded, tally.failed, _counts(place, tally))


def _counts(place: _Place, tally: _Tally) -> dict[str, int]:
    return {
        "songs": tally.songs,
        "playlists": sum(not playlist.is_liked for playlist in tally.playlists),
        "gone": len(place.loss.missing_songs),
        "unseen": len(place.unseen),
    }


def _read_songs(task: PipelineTask, place: _Place, tally: _Tally) -> None:
    names = place.contents.songs
    with task.job.phase(f"songs{place.suffix}", total=len(names) + len(place.unseen)):
        for index, name in enumerate(names, 1):
            if _read_song(task, place, name, index):
                tally.songs += 1
                tally.succeeded += 1
            else:
                tally.failed += 1
        for name, reason in place.unseen.items():
            tally.failed += 1
            stays = f"{reason} What is known of it stays."
            task.item_failed(name, kind="folder", label=name, reason=stays)


def _read_song(task: PipelineTask, place: _Place, name: str, index: int) -> bool:
    """Whether the song could be read."""
    label, count = PurePosixPath(name).stem, len(place.contents.songs)
    mine = {"account_id": task.account_id, "source_id": place.source_id}
    with task.item(name, kind="song", label=label, index=index, count=count):
        with reading(place.music, name):
            known = place.fingerprints.get(name)
            if known is not None and known == place.music.fingerprint(name):
                return True
            record = place.music.read_song(name)
        with task.database.session() as session:
            songs.save(session, **mine, record=record)
        return True
    return False


def _read_playlists(task: PipelineTask, place: _Place, tally: _Tally) -> None:
    with task.database.session() as session:
        chosen = liked_lists.chosen(session, source_id=place.source_id)
        present = songs.ids_by_external(session, source_id=place.source_id)
        hidden = gone.songs_by_external(session, source_id=place.source_id)
    root = place.music.root
    indexes = SongIndex(present, root), SongIndex(hidden, root)
    with task.job.phase(f"playlists{place.suffix}", total=len(place.contents.playlists)):
        for name in place.contents.playlists:
            records = _read_playlist_file(task, place, name, indexes)
            if records is None:
                tally.unread.add(name)
                tally.failed += 1
                continue
            records = tuple(
                replace(found, is_liked=chosen.get(found.external_id, found.is_liked))
                for found in records
            )
            _save_playlists(task, place, name, records, hidden | present)
            tally.playlists += records
            tally.succeeded += 1
            tally.failed += sum(_report_missing(task, record) for record in records)


def _read_playlist_file(
    task: PipelineTask, place: _Place, name: str, indexes: tuple[SongIndex, SongIndex]
) -> tuple[PlaylistRecord, ...] | None:
    label = PurePosixPath(name).stem
    with task.item(name, kind="playlist", label=label), reading(place.music, name):
        return place.music.read_playlists(name, *indexes)
    return None


def _save_playlists(
    task: PipelineTask,
    place: _Place,
    name: str,
    records: tuple[PlaylistRecord, ...],
    ids: dict[str, UUID],
) -> None:
    kept = [record for record in records if not record.is_liked]
    here = {record.external_id for record in kept}
    # A list of liked songs may have been a playlist before it was named so.
    over = [known for known in (*place.known_playlists, name) if part_of(known, (name,))]
    with task.database.session() as session:
        gone.mark(
            session,
            source_id=place.source_id,
            playlists=[known for known in over if known not in here],
            now=utc_now(),
        )
        for record in kept:
            playlists.save(
                session,
                account_id=task.account_id,
                source_id=place.source_id,
                external_id=record.external_id,
                name=record.name,
                song_ids=[ids.get(entry.song or "") for entry in record.entries],
                missing={at: e for at, e in enumerate(record.entries) if e.is_missing},
            )


def _report_missing(task: PipelineTask, record: PlaylistRecord) -> int:
    """Say which entries of a playlist name files that are not there."""
    missing = {(e.place or e.label): e.label for e in record.entries if e.is_missing}
    if missing:
        task.job.add_total(len(missing))
    for place, label in missing.items():
        task.item_failed(
            f"{record.external_id}\n{place}",
            kind="song",
            label=label,
            reason=f"The playlist “{record.name}” names a file that is not in the folder.",
        )
    return len(missing)


def _read_liked(task: PipelineTask, place: _Place, tally: _Tally) -> None:
    """Bring what is loved up to date."""
    loved = [record for record in tally.playlists if record.is_liked]
    said_by = {song: record.external_id for record in loved for song in record.songs}
    read = {*place.contents.playlists, *place.loss.missing_playlists} - tally.unread
    is_all_read = not tally.unread and not place.unseen

    def is_unread(name: str | None) -> bool:
        return not is_all_read if name is None else part_of(name, read) is None

    account_id, source_id = task.account_id, place.source_id
    with task.job.phase(f"liked songs{place.suffix}"), task.database.session() as session:
        ids = songs.ids_by_external(session, source_id=source_id)
        wanted = {ids[song]: name for song, name in said_by.items() if song in ids}
        likes.replace(
            session,
            account_id=account_id,
            source_id=source_id,
            song_ids=list(wanted),
            said_by=wanted,
            is_unread=is_unread,
        )
        likes.follow_ratings(session, account_id=account_id, source_id=source_id)
        liked_lists.set_found(
            session,
            account_id=account_id,
            source_id=source_id,
            lists={record.external_id: record.name for record in loved},
            is_unread=is_unread,
        )
