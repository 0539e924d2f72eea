"""An account with several sources: each is read by itself, whatever becomes of the others."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from library import account_sources, accounts, features, likes, playlists, removed_sources, songs
from library import jobs as rows
from library.errors import JobAlreadyActive
from library.models import Match, Playlist, Song, Source, utc_now
from library.sources.folder import FolderSource
from library.sources.records import SongRecord
from progress.events import ItemStatus
from tasks import jobs, sync
from tests.integration.conftest import Pipelines
from tests.integration.tasks.shelf import Shelf, make, write_list


@pytest.fixture
def other(shelf: Shelf) -> Path:
    """A second folder of the same account: the first has three songs, this one two."""
    make(shelf.folder, "a/1.wav", "a/2.wav", "b/3.wav")
    write_list(shelf.folder, "Liked.m3u", "a/1.wav")
    folder = shelf.folder.parent / "other"
    make(folder, "a/1.wav", "x.wav")
    write_list(folder, "Liked.m3u", "x.wav")
    add(shelf, folder, name="Other")
    assert shelf.sync().status == "completed"
    return folder


def add(shelf: Shelf, folder: Path, *, name: str) -> UUID:
    with shelf.runtime.database.session() as session:
        mine = {"account_id": shelf.account_id}
        return account_sources.add(session, **mine, location=str(folder), name=name).id


def ids(shelf: Shelf) -> dict[str, UUID]:
    with shelf.runtime.database.reading() as session:
        found = account_sources.of_account(session, account_id=shelf.account_id)
        return {source.name: source.id for source in found}


def failures(shelf: Shelf) -> dict[str, str | None]:
    with shelf.runtime.database.reading() as session:
        found = account_sources.of_account(session, account_id=shelf.account_id)
        return {source.name: source.failure for source in found}


def loved(shelf: Shelf) -> int:
    with shelf.runtime.database.reading() as session:
        return likes.count(session, account_id=shelf.account_id)


def count(shelf: Shelf, name: str) -> int:
    with shelf.runtime.database.reading() as session:
        here = select(Song.id).join(Source, Source.id == Song.source_id)
        return len(session.scalars(here.where(Source.name == name, Song.present)).all())


def test_one_job_reads_all_sources_and_each_says_what_is_loved(shelf: Shelf, other: Path) -> None:
    job = shelf.sync()
    assert (job.status, job.succeeded, job.failed) == ("completed", 7, 0)
    assert job.result == {
        "songs": 5,
        "playlists": 0,
        "gone": 0,
        "moved": 0,
        "unseen": 0,
        "left_out": 0,
        "liked": 2,
    }
    assert (count(shelf, "Music"), count(shelf, "Other"), loved(shelf)) == (3, 2, 2)
    state = shelf.state(job)
    assert state.progress is not None
    assert state.progress.fraction == 1
    assert state.progress.phase is not None
    assert (state.progress.phase.name, state.progress.phase.count) == ("liked songs in Other", 8)


def test_one_source_alone_can_be_read(shelf: Shelf, other: Path) -> None:
    make(shelf.folder, "a/new.wav")
    make(other, "new.wav")
    job = shelf.sync(source=str(ids(shelf)["Other"]))
    assert (job.status, job.result["songs"]) == ("completed", 3)
    assert (count(shelf, "Music"), count(shelf, "Other"), loved(shelf)) == (3, 3, 2)


@pytest.mark.parametrize("which", ["Music", "Other"])
def test_a_source_that_cannot_be_read_takes_nothing_from_the_others(
    shelf: Shelf, other: Path, which: str
) -> None:
    away, here = (shelf.folder, other) if which == "Music" else (other, shelf.folder)
    shutil.move(away, away.with_name("elsewhere"))
    make(here, "new.wav")
    job = shelf.sync()
    assert (job.status, job.error_code) == ("failed", "source_unavailable")
    assert f"The music folder {away} cannot be read" in (job.error_message or "")
    (failed,) = shelf.state(job).failed_items
    assert (failed.item_kind, failed.label, failed.status) == ("source", which, ItemStatus.FAILED)
    assert (count(shelf, "Music") + count(shelf, "Other"), loved(shelf)) == (6, 2)
    said = failures(shelf)
    assert said.pop(which) == job.error_message
    assert set(said.values()) == {None}
    shutil.move(away.with_name("elsewhere"), away)
    assert shelf.sync().status == "completed"
    assert set(failures(shelf).values()) == {None}


def test_a_source_that_goes_away_while_it_is_read_leaves_no_song_in_progress(
    shelf: Shelf, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(shelf.folder, "a/new.wav")
    make(other, "new.wav")
    read = FolderSource.read_song

    def read_song(source: FolderSource, name: str) -> object:
        if source.root == shelf.folder:
            shutil.move(shelf.folder, shelf.folder.with_name("elsewhere"))
        return read(source, name)

    monkeypatch.setattr(FolderSource, "read_song", read_song)
    job = shelf.sync()
    assert (job.status, job.error_code) == ("failed", "source_unavailable")
    state = shelf.state(job)
    assert [item.item_kind for item in state.failed_items] == ["song", "source"]
    assert state.items_in_progress == ()
    assert (count(shelf, "Music"), count(shelf, "Other")) == (3, 3)


@pytest.mark.parametrize("which", ["Music", "Other"])
def test_a_source_that_is_removed_while_a_sync_runs_stays_removed(
    shelf: Shelf, other: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """The one that is read at that moment, or the one that comes next."""
    make(shelf.folder, "a/new.wav")
    make(other, "new.wav")
    read, key = FolderSource.read_song, ids(shelf)[which]

    def read_song(source: FolderSource, name: str) -> object:
        if source.root == shelf.folder:
            with shelf.runtime.database.session() as session:
                found = account_sources.get(session, account_id=shelf.account_id, source_id=key)
                assert found is not None
                removed_sources.remove(session, source=found, now=utc_now())
        return read(source, name)

    monkeypatch.setattr(FolderSource, "read_song", read_song)
    assert shelf.sync().status == "completed"
    left = {"Music": 4, "Other": 3} | {which: 0}
    assert (count(shelf, "Music"), count(shelf, "Other")) == (left["Music"], left["Other"])


def test_a_song_of_one_source_may_belong_to_a_playlist_of_another(pipelines: Pipelines) -> None:
    account = pipelines.account(None)
    mine = {"account_id": account}
    with pipelines.runtime.database.session() as session:
        one, two = (
            account_sources.add(session, **mine, location=place, name=place)
            for place in ("/one", "/two")
        )
        kept: dict[str, list[UUID]] = {"Ann": [], "Bob": []}
        for artist, known in kept.items():
            for number in range(6):
                record = SongRecord(f"{artist}/{number}", f"{artist} {number}", artist=artist)
                known.append(songs.save(session, **mine, source_id=one.id, record=record).id)
            of = {**mine, "source_id": one.id, "external_id": artist, "name": artist}
            playlists.save(session, **of, song_ids=known)
        record = SongRecord("new", "New", artist="Bob")
        new = songs.save(session, **mine, source_id=two.id, record=record)
        twin = SongRecord("twin", "Ann 0", artist="Ann")  # the same song, in another source
        songs.save(session, **mine, source_id=two.id, record=twin)
        likes.set_heart(session, **mine, song_id=new.id, is_loved=True)
    assert pipelines.run(account, "matching")[0].status == "completed"
    with pipelines.runtime.database.reading() as session:
        (best,) = session.execute(
            select(Playlist.name)
            .join(Match, Match.playlist_id == Playlist.id)
            .where(Match.song_id == new.id, Match.rank == 1)
        ).all()
        assert best.name == "Bob"
        assert songs.counts(session, **mine)[0] == 14  # two that are the same stay two


def test_each_source_is_asked_about_its_own_loss(shelf: Shelf, other: Path) -> None:
    for folder in (shelf.folder, other):
        for file in folder.rglob("*.wav"):
            file.unlink()
    job = shelf.sync()
    assert (job.status, job.error_code) == ("failed", "source_incomplete")
    named = [job.result[sync.LOSS], *job.result[sync.MORE_LOSSES]]
    assert [(loss["name"], loss["songs"]["missing"]) for loss in named] == [
        ("Music", 3), ("Other", 2),
    ]  # fmt: skip
    again = shelf.confirm(job)
    assert again.status == "completed"
    assert (count(shelf, "Music"), count(shelf, "Other")) == (0, 2)
    job = shelf.sync()
    assert [job.result[sync.LOSS]["name"], job.result[sync.MORE_LOSSES]] == ["Other", []]


def test_two_syncs_of_one_account_are_never_at_once_and_of_two_they_are(
    shelf: Shelf, other: Path
) -> None:
    with shelf.runtime.database.session() as session:
        stranger = accounts.create(session, email="stranger@b", password_hash="-").id
    shelf.celery.send_task = lambda *_, **__: None
    mine, theirs = ({"account_id": key, "kind": "sync"} for key in (shelf.account_id, stranger))
    first = jobs.start(shelf.celery, **mine, parameters={"source": str(ids(shelf)["Music"])})
    with pytest.raises(JobAlreadyActive):
        jobs.start(shelf.celery, **mine, parameters={"source": str(ids(shelf)["Other"])})
    assert jobs.start(shelf.celery, **theirs).id != first.id
    with shelf.runtime.database.session() as session:
        rows.finish(session, job_id=first.id, attempt=0, status="cancelled", now=utc_now())
    assert jobs.start(shelf.celery, **mine).id != first.id


def test_a_source_of_somebody_else_or_of_nobody_is_none(shelf: Shelf, other: Path) -> None:
    with shelf.runtime.database.session() as session:
        stranger = accounts.create(session, email="stranger@b", password_hash="-").id
        theirs = account_sources.add(session, account_id=stranger, location="/x", name="x")
    job = shelf.sync(source=str(theirs.id))
    assert (job.status, job.error_code) == ("failed", "no_source")
    with shelf.runtime.database.session() as session:
        assert account_sources.get(session, account_id=stranger, source_id=theirs.id)
        assert not account_sources.get(session, account_id=shelf.account_id, source_id=theirs.id)


def test_an_analysis_takes_each_song_from_its_own_source(
    pipelines: Pipelines, music: Path, tmp_path: Path
) -> None:
    good = (music / "Dance" / "Neon Street.flac").read_bytes()
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, names in ((one, ("a", "b")), (two, ("a", "c"))):
        folder.mkdir()
        for name in names:
            (folder / f"{name}.flac").write_bytes(good)
    account = pipelines.account(one)
    with pipelines.runtime.database.session() as session:
        account_sources.add(session, account_id=account, location=str(two), name="Two")
    assert pipelines.run(account, "sync")[0].result["songs"] == 4
    shutil.move(two, tmp_path / "away")
    job, state, _ = pipelines.run(account, "analysis")
    assert (job.status, job.error_code) == ("failed", "source_unavailable")
    assert f"The music folder {two} cannot be read" in (job.error_message or "")
    assert [(item.item_kind, item.label) for item in state.failed_items] == [("source", "Two")]

    def heard() -> int:
        with pipelines.runtime.database.reading() as session:
            return songs.counts(session, account_id=account)[2]

    assert heard() == 2
    shutil.move(tmp_path / "away", two)
    job, _, _ = pipelines.run(account, "analysis")
    assert (job.status, job.result["heard"], heard()) == ("completed", 2, 4)


def test_a_song_without_sound_is_not_listened_to(shelf: Shelf, other: Path) -> None:
    with shelf.runtime.database.session() as session:
        song = session.scalar(select(Song).where(Song.external_id == "x.wav"))
        assert song is not None
        song.has_sound = False
    with shelf.runtime.database.reading() as session:
        found = features.to_analyse(session, account_id=shelf.account_id, analyser_version=1)
        assert sorted(s.external_id for s in found) == ["a/1.wav", "a/1.wav", "a/2.wav", "b/3.wav"]
