"""Syncs of folders that are gone, empty, other ones, locked or half there, on both databases."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import func, select, update

from library import account_sources, accounts, features, matches, playlists, songs
from library import jobs as rows
from library.listening import Listening
from library.matching import Proposal
from library.models import Decision, Job, Song, utc_now
from library.sources.folder import FolderSource
from progress.events import Snapshot
from tasks import jobs, purge, sync_source
from tests.integration.conftest import Pipelines
from tests.integration.tasks.shelf import Shelf, make, write_list
from tests.permissions import bound_by_permissions

LISTENING = Listening(120.5, 0.9, -14.2, "C minor", 0.8, 200.0, np.arange(67, dtype=np.float32))


@pytest.fixture
def full(shelf: Shelf) -> Shelf:
    """Songs in three folders, lists, likes, features, a proposal and a decision."""
    for folder, count in (("Disk", 60), ("Rest", 70), ("Few", 3)):
        make(shelf.folder, *(f"{folder}/{n:03}.wav" for n in range(count)))
    make(shelf.folder, "Root.wav")
    write_list(shelf.folder, "Mix.m3u8", *(f"Disk/{n:03}.wav" for n in range(10)), "Rest/001.wav")
    write_list(shelf.folder, "Other.m3u8", "Rest/002.wav")
    write_list(shelf.folder, "Liked.m3u8", "Disk/020.wav", "Disk/021.wav", "Rest/030.wav")
    assert shelf.sync().status == "completed"
    with shelf.runtime.database.session() as session:
        mine = {"account_id": shelf.account_id}
        (other,) = (p for p in playlists.page(session, **mine) if p.name == "Other")
        found = session.scalar(select(Song).where(Song.external_id == "Disk/020.wav"))
        assert found is not None
        (key,) = features.by_ids(session, **mine, song_ids=[found.id])
        features.save_features(
            session,
            **mine,
            song_id=found.id,
            content_key=key.content_key,
            listening=LISTENING,
            analyser_version=2,
        )
        job, _ = rows.create(session, **mine, kind="matching")
        matches.replace(
            session,
            **mine,
            job_id=job.id,
            proposals={found.id: [Proposal(str(found.id), str(other.id), 0.9, ())]},
        )
        rows.finish(session, job_id=job.id, attempt=0, status="completed", now=utc_now())
        session.add(
            Decision(
                **mine,
                song_identity=found.identity,
                playlist_identity=uuid4(),
                verdict="accepted",
                song_label="020",
                playlist_name="Other",
            )
        )
    return shelf


def gone_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def unmounted(folder: Path) -> None:
    gone_away(folder)
    folder.mkdir()


def another(folder: Path) -> None:
    unmounted(folder)
    make(folder, *(f"Holiday/{n}.wav" for n in range(200)))


def a_file(folder: Path) -> None:
    gone_away(folder)
    folder.touch()


def wait_until_done(pipelines: Pipelines, job: Job, count: int) -> None:
    """Wait until a job has done this many items."""
    deadline = time.monotonic() + 30
    done = 0
    while done < count:
        assert time.monotonic() < deadline
        known = pipelines.runtime.log.snapshot(jobs.ref_of(job))
        progress = known[0].progress if known and isinstance(known[0], Snapshot) else None
        done = progress.succeeded if progress is not None else 0


@pytest.mark.parametrize(
    ("happen", "code"),
    [
        (gone_away, "source_unavailable"),
        (a_file, "source_unavailable"),
        (unmounted, "source_incomplete"),
        (another, "source_incomplete"),
    ],
)
def test_a_root_that_is_gone_or_empty_or_another_one_takes_nothing_away(
    full: Shelf, happen: Callable[[Path], None], code: str
) -> None:
    before = full.shown()
    happen(full.folder)
    job = full.sync()
    assert (job.status, job.error_code) == ("failed", code)
    assert "Nothing was removed." in (job.error_message or "")
    assert full.shown() == before
    # And when it is there again, all is well without a word.
    if full.folder.is_dir():
        shutil.rmtree(full.folder)
    full.folder.unlink(missing_ok=True)
    full.folder.with_name("elsewhere").rename(full.folder)
    job = full.sync()
    assert (job.status, job.result["gone"]) == ("completed", 0)
    assert full.shown() == before


def test_a_root_that_may_not_be_read_takes_nothing_away(
    full: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, scan = full.shown(), FolderSource.scan

    def bound_scan(source: FolderSource) -> object:
        with bound_by_permissions():
            return scan(source)

    monkeypatch.setattr(FolderSource, "scan", bound_scan)
    full.folder.chmod(0)
    job = full.sync()
    full.folder.chmod(0o755)
    assert (job.status, job.error_code) == ("failed", "source_unavailable")
    assert full.shown() == before
    # A folder in it that may not be read is one that fails, and the rest goes on.
    (full.folder / "Disk").chmod(0)
    (full.folder / "Few" / "000.wav").unlink()
    job = full.sync()
    (full.folder / "Disk").chmod(0o755)
    assert (job.status, job.result["gone"], job.result["unseen"]) == ("completed", 1, 1)
    (failed,) = full.state(job).failed_items
    assert (failed.label, failed.item_kind) == ("Disk", "folder")
    assert failed.error == (
        "The folder cannot be looked at: Permission denied. What is known of it stays."
    )
    assert "Disk/000.wav" in full.songs()
    assert full.shown()["lists"] == before["lists"]


def test_a_list_that_cannot_be_read_keeps_its_entries_and_its_likes(full: Shelf) -> None:
    before = full.shown()
    for name in ("Mix.m3u8", "Liked.m3u8"):
        (full.folder / name).write_bytes(b"\0" * 80)
    job = full.sync()
    assert (job.status, job.failed) == ("completed", 2)
    assert full.shown() == before
    write_list(full.folder, "Liked.m3u8", "Disk/020.wav")
    full.sync()
    assert full.shown()["counts"] == (134, 1, 1)


@pytest.mark.parametrize("is_still_there", [False, True])
def test_a_top_folder_that_vanishes_is_asked_about_and_shown(
    full: Shelf, is_still_there: bool
) -> None:
    before = full.shown()
    shutil.rmtree(full.folder / "Disk")
    if is_still_there:
        (full.folder / "Disk").mkdir()
    job = full.sync()
    assert (job.status, job.error_code) == ("failed", "source_incomplete")
    assert "lacks 60 of 134 songs that it had before" in (job.error_message or "")
    assert job.result["loss"]["songs"] == {"missing": 60, "known": 134}
    (folder,) = job.result["loss"]["folders"]
    examples = ["000.wav", "001.wav", "002.wav"]
    assert folder == {"name": "Disk", "missing": 60, "known": 60, "examples": examples}
    assert full.shown() == before


def test_a_few_songs_that_are_deleted_are_gone_without_a_question(full: Shelf) -> None:
    shutil.rmtree(full.folder / "Few")
    (full.folder / "Root.wav").unlink()
    (full.folder / "Other.m3u8").unlink()
    job = full.sync()
    assert (job.status, job.result["gone"]) == ("completed", 4)
    assert [name for name, _ in full.shown()["lists"]] == ["Mix"]  # type: ignore[attr-defined]


def test_two_of_three_songs_may_go(shelf: Shelf) -> None:
    make(shelf.folder, "a.wav", "b.wav", "c.wav")
    shelf.sync()
    for name in "ab":
        (shelf.folder / f"{name}.wav").unlink()
    assert shelf.sync().status == "completed"
    assert shelf.songs() == {"c.wav"}


def test_a_loss_that_its_person_confirms_is_taken_away_and_kept(full: Shelf) -> None:
    before = full.shown()
    shutil.move(full.folder / "Disk", full.folder.parent / "Disk")
    failed = full.sync()
    confirmed = full.confirm(failed)
    assert (confirmed.status, confirmed.result["gone"]) == ("completed", 60)
    loss = failed.result["loss"]
    assert confirmed.parameters == {"confirmed_loss": loss["key"], "source": loss["source"]}
    assert confirmed.retry_of == failed.id
    after = full.shown()
    assert after["counts"] == (74, 1, 0)
    assert after["lists"] == [("Mix", 1), ("Other", 1)]
    assert after["proposed"] == []
    assert after["rows"] == before["rows"]
    # A sync meanwhile, with the lists that still name what is gone, keeps it as well.
    full.sync()
    assert full.shown() == after
    shutil.move(full.folder.parent / "Disk", full.folder / "Disk")
    assert full.sync().status == "completed"
    assert full.shown() == before


def test_a_confirmation_holds_for_this_loss_and_no_later_one(full: Shelf) -> None:
    shutil.rmtree(full.folder / "Disk")
    failed = full.sync()
    shutil.rmtree(full.folder / "Rest")
    again = full.confirm(failed)
    assert (again.status, again.error_code) == ("failed", "source_incomplete")
    assert again.result["loss"]["songs"]["missing"] == 130
    assert len(full.songs()) == 134
    # Nor does an old word hold for the same loss of another day: it names all that was missing.
    assert full.confirm(failed).status == "failed"
    assert full.confirm(again).status == "completed"
    assert full.songs() == {"Root.wav", *(f"Few/00{n}.wav" for n in range(3))}


def test_an_empty_root_may_be_confirmed(full: Shelf) -> None:
    shutil.rmtree(full.folder)
    full.folder.mkdir()
    confirmed = full.confirm(full.sync())
    assert (confirmed.status, confirmed.result["gone"]) == ("completed", 134)
    assert full.shown()["counts"] == (0, 0, 0)


def test_only_its_owner_confirms_a_loss_and_only_where_there_is_one(full: Shelf) -> None:
    shutil.rmtree(full.folder / "Disk")
    failed = full.sync()
    with full.runtime.database.session() as session:
        stranger = accounts.create(session, email="stranger@b", password_hash="-").id
        matching = session.scalar(select(Job).where(Job.kind == "matching"))
    assert matching is not None
    for account, job in ((stranger, failed), (full.account_id, matching)):
        assert jobs.confirm_loss(full.celery, account_id=account, job_id=job.id) is None
    assert jobs.confirm_loss(full.celery, account_id=full.account_id, job_id=uuid4()) is None


def test_a_folder_that_the_person_chooses_instead_is_read_without_a_question(
    full: Shelf, tmp_path: Path
) -> None:
    def choose(folder: Path) -> None:
        with full.runtime.database.session() as session:
            (source,) = account_sources.of_account(session, account_id=full.account_id)
            account_sources.change(session, source=source, location=str(folder), name="Other")

    before = full.shown()
    other = tmp_path / "other"
    other.mkdir()
    choose(other)
    assert full.sync().error_code == "source_incomplete"  # nothing is there
    make(other, "New.wav")
    assert full.sync().status == "completed"
    assert full.songs() == {"New.wav"}
    choose(full.folder)
    assert full.sync().status == "completed"
    assert full.shown()["counts"] == before["counts"]


class TestMidRun:
    @pytest.mark.parametrize(
        ("happen", "code"), [(gone_away, "source_unavailable"), (unmounted, "source_incomplete")]
    )
    def test_a_root_of_2_000_songs_that_goes_away_stops_the_job_at_once(
        self,
        shelf: Shelf,
        monkeypatch: pytest.MonkeyPatch,
        happen: Callable[[Path], None],
        code: str,
    ) -> None:
        make(shelf.folder, *(f"{n % 40}/{n:04}.wav" for n in range(2_000)))
        read = FolderSource.read_song
        seen: list[str] = []

        def read_song(source: FolderSource, name: str) -> object:
            seen.append(name)
            if len(seen) == 50:
                happen(shelf.folder)
            return read(source, name)

        monkeypatch.setattr(FolderSource, "read_song", read_song)
        job = shelf.sync()
        assert (job.status, job.error_code) == ("failed", code)
        assert "Nothing was removed." in (job.error_message or "")
        assert len(seen) == 50
        assert (job.failed, shelf.state(job).failed_items) == (0, ())
        assert len(shelf.songs()) == 49

    def test_one_file_that_goes_away_is_one_failure(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(shelf.folder, *(f"a/{n}.wav" for n in range(9)))
        read = FolderSource.read_song

        def read_song(source: FolderSource, name: str) -> object:
            if name == "a/4.wav":
                (shelf.folder / name).unlink()
            return read(source, name)

        monkeypatch.setattr(FolderSource, "read_song", read_song)
        job = shelf.sync()
        assert (job.status, job.succeeded, job.failed) == ("completed", 8, 1)

    def test_a_root_that_goes_after_the_last_song_takes_nothing_away(
        self, full: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = full.shown()
        (full.folder / "Few" / "000.wav").unlink()
        read_songs = sync_source.read_songs

        def read_songs_and_go(*arguments: Any) -> None:
            read_songs(*arguments)
            unmounted(full.folder)

        monkeypatch.setattr(sync_source, "read_songs", read_songs_and_go)
        assert full.sync().error_code == "source_incomplete"
        assert full.shown() == before

    def test_a_worker_stops_when_the_root_is_renamed_under_it(
        self, pipelines: Pipelines, tmp_path: Path
    ) -> None:
        folder = tmp_path / "music"
        make(folder, *(f"{n % 40}/{n:04}.wav" for n in range(2_000)))
        account = pipelines.account(folder)
        job = jobs.start(pipelines.celery, account_id=account, kind="sync")
        wait_until_done(pipelines, job, 20)
        folder.rename(tmp_path / "elsewhere")
        row, snapshot, _ = pipelines.finish(job)
        assert (row.status, row.error_code, row.failed) == ("failed", "source_unavailable", 0)
        assert snapshot.failed_items == ()
        with pipelines.runtime.database.session() as session:
            total, _, _ = songs.counts(session, account_id=account)
        assert 20 <= total < 2_000


def test_the_clock_purges_what_is_gone_for_longer_than_it_is_kept(full: Shelf) -> None:
    for name in ("Few/000.wav", "Few/001.wav"):
        (full.folder / name).unlink()
    full.sync()
    task = full.celery.tasks[purge.NAME]

    def purged_after(days: float) -> int:
        then = utc_now() - timedelta(days=days)
        with full.runtime.database.session() as session:
            session.execute(update(Song).where(~Song.present).values(gone_at=then))
        task.apply().get()
        with full.runtime.database.session() as session:
            return 134 - (session.scalar(select(func.count()).select_from(Song)) or 0)

    assert purged_after(89.9) == 0
    assert purged_after(90.1) == 2
    with full.runtime.database.session() as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == 1


class TestAnalysis:
    @pytest.fixture
    def folder(self, tmp_path: Path, music: Path) -> Path:
        for copy in range(6):
            shutil.copytree(music / "Dance", tmp_path / "music" / f"Copy {copy}")
        return tmp_path / "music"

    @pytest.mark.parametrize(
        ("happen", "code"), [(gone_away, "source_unavailable"), (unmounted, "source_incomplete")]
    )
    def test_a_root_that_is_gone_or_empty_fails_the_job_and_no_song(
        self, pipelines: Pipelines, folder: Path, happen: Callable[[Path], None], code: str
    ) -> None:
        account = pipelines.account(folder)
        pipelines.run(account, "sync")
        happen(folder)
        row, snapshot, _ = pipelines.run(account, "analysis")
        assert (row.status, row.error_code, row.failed) == ("failed", code, 0)
        assert snapshot.failed_items == ()

    def test_a_root_that_goes_away_in_the_middle_fails_no_song(
        self, pipelines: Pipelines, folder: Path
    ) -> None:
        account = pipelines.account(folder)
        pipelines.run(account, "sync")
        job = jobs.start(pipelines.celery, account_id=account, kind="analysis")
        wait_until_done(pipelines, job, 2)
        folder.rename(folder.with_name("elsewhere"))
        row, snapshot, _ = pipelines.finish(job)
        assert (row.status, row.error_code, row.failed) == ("failed", "source_unavailable", 0)
        assert snapshot.failed_items == ()

    @pytest.mark.parametrize("leaves_mount_point", [False, True])
    def test_a_folder_in_it_that_goes_away_stops_it_at_once_and_fails_no_song(
        self, pipelines: Pipelines, folder: Path, *, leaves_mount_point: bool
    ) -> None:
        account = pipelines.account(folder)
        pipelines.run(account, "sync")
        job = jobs.start(pipelines.celery, account_id=account, kind="analysis")
        wait_until_done(pipelines, job, 2)
        for copy in range(1, 6):
            lost = folder / f"Copy {copy}"
            lost.rename(folder.with_name(lost.name))
            if leaves_mount_point:
                lost.mkdir()
        row, snapshot, _ = pipelines.finish(job)
        assert (row.status, row.error_code, row.failed) == ("failed", "source_incomplete", 0)
        assert "is not there, or empty: its disk may have been disconnected" in row.error_message
        assert snapshot.failed_items == ()

    def test_one_file_that_went_away_is_one_failure(
        self, pipelines: Pipelines, folder: Path
    ) -> None:
        account = pipelines.account(folder)
        pipelines.run(account, "sync")
        next((folder / "Copy 1").glob("*.flac")).unlink()
        row, _, _ = pipelines.run(account, "analysis")
        assert (row.status, row.failed) == ("completed", 1)
