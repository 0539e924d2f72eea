"""What a job has done is read from the database while it is told, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from library import account_sources, accounts, features, jobs, songs
from library.analysis import ANALYSER_VERSION
from library.database import Database
from library.sources.records import SongRecord
from progress.events import ItemStatus
from progress.log import JobRef
from tasks import repair
from tests.integration.databases import MakeUrl
from tests.integration.library.conftest import LISTENING


@pytest.fixture
def database(make_url: MakeUrl) -> Iterator[Database]:
    database = Database(make_url(True))
    yield database
    database.close()


def make_job(database: Database, *, kind: str, heard: int, waiting: int) -> tuple[JobRef, set[str]]:
    """A job of an account with some songs; the ids of those that were heard since it began."""
    with database.session() as session:
        account = accounts.create(session, email="ada@b", password_hash="-")
        source = account_sources.add(session, account_id=account.id, location="/m", name="Music")
        job, _ = jobs.create(session, account_id=account.id, kind=kind)
        made: list[UUID] = []
        for number in range(heard + waiting):
            record = SongRecord(external_id=f"{number}.mp3", title=f"Song {number}")
            song = songs.save(session, account_id=account.id, source_id=source.id, record=record)
            made.append(song.id)
        mine = {"account_id": account.id}
        for known in features.by_ids(session, **mine, song_ids=made[:heard]):
            features.save_features(
                session,
                **mine,
                song_id=known.id,
                content_key=known.content_key,
                listening=LISTENING,
                analyser_version=ANALYSER_VERSION,
            )
    return JobRef(str(account.id), str(job.id)), {str(song_id) for song_id in made[:heard]}


@pytest.mark.parametrize("page_songs", [1, 2, 5, 6, 100])
def test_every_song_is_told_once_in_pages_of_any_size(
    database: Database, monkeypatch: pytest.MonkeyPatch, page_songs: int
) -> None:
    ref, heard = make_job(database, kind="analysis", heard=5, waiting=6)
    monkeypatch.setattr(repair, "PAGE_SONGS", page_songs)
    told = list(repair.repair_for(database, ref)())
    assert len({report.item_id for report in told}) == len(told) == 11
    succeeded = {report.item_id for report in told if report.status is ItemStatus.SUCCEEDED}
    assert succeeded == heard
    assert {report.status for report in told if report.item_id not in heard} == {ItemStatus.QUEUED}


def test_a_library_is_read_while_it_is_told_and_holds_no_connection_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref, _ = make_job(database, kind="analysis", heard=5, waiting=0)
    monkeypatch.setattr(repair, "PAGE_SONGS", 2)
    told = iter(repair.repair_for(database, ref)())
    next(told)
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # a QueuePool
    with database.session() as session:
        account_id = UUID(ref.account)
        (last,) = list(
            features.heard_since(
                session,
                account_id=account_id,
                analyser_version=ANALYSER_VERSION,
                since=jobs.load(session, job_id=UUID(ref.job_id)).created_at,
            )
        )[-1:]
        session.get(songs.Song, last.id).title = "Renamed meanwhile"
    assert list(told)[-1].label == "Renamed meanwhile"


def test_a_job_of_one_process_tells_nothing_here(database: Database) -> None:
    ref, _ = make_job(database, kind="sync", heard=0, waiting=2)
    assert list(repair.repair_for(database, ref)()) == []
