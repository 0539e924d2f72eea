"""The sync of one source: its songs, its playlists, and what of them is loved.

What could not be looked at is not gone, and what is missing in a large part is not believed to be:
such a sync fails, removes nothing, and its page asks the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from library import (
    account_sources,
    gone,
    list_files,
    list_renames,
    song_renames,
    source_reports,
)
from library.models import utc_now
from library.sources.source import MusicSource, SourceRow

from .base import PipelineTask
from .sources import SourceFailure, failing_with_the_source
from .sync_listing import look
from .sync_place import Place, Tally
from .sync_playlists import read_liked, read_playlists
from .sync_songs import read_songs


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
    #: Songs, playlists, how many songs were moved and are gone, how many folders could not be
    #: looked at, and how many of systems were left out.
    counts: dict[str, int]


def phases(suffix: str) -> dict[str, float]:
    """The phases of one source, with their weights."""
    weights = {"listing": 1.0, "songs": 8.0, "playlists": 1.0, "liked songs": 0.5}
    return {f"{name}{suffix}": weight for name, weight in weights.items()}


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
        place = look(task, row, music, suffix=suffix)
        _refuse_a_large_loss(place, confirmed_loss)
        return _read(task, place)


def _refuse_a_large_loss(place: Place, confirmed: str | None) -> None:
    """Remove nothing where too much is missing, unless its person has said that this is real.

    Raises:
        LossRefused: it is so.
    """
    if place.loss.is_too_much and place.loss.key != confirmed:
        raise LossRefused(place.loss.sentence(place.music.where), place.loss.as_json())


def _read(task: PipelineTask, place: Place) -> Outcome:
    tally = Tally()
    _rename(task, place)
    read_songs(task, place, tally)
    # Its disk may have gone since: then what was found missing is not.
    place.music.check()
    _mark_missing(task, place)
    read_playlists(task, place, tally)
    read_liked(task, place, tally)
    with task.database.session() as session:
        account_sources.set_synced(
            session,
            source_id=place.source_id,
            location=place.location,
            now=utc_now(),
            read_version=place.music.read_version,
            report=source_reports.report(
                songs=tally.songs,
                playlists=tally.playlists,
                gone=len(place.loss.missing_songs),
                unseen=place.unseen,
                left_out=place.contents.left_out,
            ),
        )
    return Outcome(tally.succeeded, tally.failed, _counts(place, tally))


def _rename(task: PipelineTask, place: Place) -> None:
    """Have songs and playlists go with their files, all at once."""
    if not place.moves and not place.renamed_lists:
        return
    with task.database.session() as session:
        if place.moves:
            song_renames.rename_songs(
                session, source_id=place.source_id, moves=place.moves, now=utc_now()
            )
        if place.renamed_lists:
            list_renames.rename(
                session,
                account_id=task.account_id,
                source_id=place.source_id,
                renamed=place.renamed_lists,
                now=utc_now(),
            )


def _mark_missing(task: PipelineTask, place: Place) -> None:
    playlists = place.loss.missing_playlists
    # A song whose name another one has now went when that got it.
    there = set(place.contents.songs)
    songs = [name for name in place.loss.missing_songs if name not in there]
    with task.database.reading() as session:
        known = list_files.prints(session, source_id=place.source_id)
    missing = place.contents.missing(sorted(known), place.music.is_there)
    if not songs and not playlists and not missing:
        return
    with task.database.session() as session:
        gone.mark(
            session, source_id=place.source_id, songs=songs, playlists=playlists, now=utc_now()
        )
        list_files.forget(session, source_id=place.source_id, names=missing)


def _counts(place: Place, tally: Tally) -> dict[str, int]:
    return {
        "songs": tally.songs,
        "playlists": tally.playlists,
        "moved": len(place.moves.renamed),
        "gone": len(place.loss.missing_songs),
        "unseen": len(place.unseen),
        "left_out": len(place.contents.left_out),
    }
