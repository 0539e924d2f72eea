"""Accepted songs written into lists by a real worker, read by a sync, and taken out again."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from library import awaited, decisions, matches, playlists, write_backs
from library import jobs as rows
from library.errors import JobAlreadyActive
from library.models import Job, Song, utc_now
from library.writeback.replacing import CHANGED
from progress.events import ItemEvent, Snapshot
from progress.testing import Shown
from tasks import jobs, purge, write_back
from tasks.writers import Writers
from tests.integration.conftest import Pipelines


class Lists:
    """An account with a folder of its own, whose proposals can be accepted and written."""

    def __init__(self, pipelines: Pipelines, music: Path, folder: Path, *kinds: str) -> None:
        self.pipelines, self.folder = pipelines, folder / "music"
        shutil.copytree(music, self.folder)
        self.account_id = pipelines.account(self.folder)
        for kind in ("sync", *kinds):
            self.run(kind)

    def run(self, kind: str) -> tuple[Job, Snapshot, list[Shown]]:
        done = self.pipelines.run(self.account_id, kind)
        assert done[0].status == "completed", done[0].error_message
        return done

    def accept_all(self) -> int:
        with self.pipelines.runtime.database.session() as session:
            return decisions.accept_all(
                session, account_id=self.account_id, wanted=matches.Wanted(), batch_id=uuid4()
            )

    def accept_one_for_each(self) -> None:
        """Accept a song for each playlist, which it does not have."""
        with self.pipelines.runtime.database.session() as session:
            mine = {"account_id": self.account_id}
            everything = [song.id for song in session.query(Song).filter_by(**mine)]
            for into, has in playlists.members(session, **mine).items():
                song = next(key for key in everything if key not in has)
                decisions.accept(session, **mine, song_id=song, playlist_id=into)

    def awaiting(self) -> list[awaited.AwaitingList]:
        with self.pipelines.runtime.database.reading() as session:
            return awaited.awaiting_lists(session, account_id=self.account_id)

    def plan(self) -> UUID:
        batch_id = uuid4()
        database = self.pipelines.runtime.database
        writers = Writers(database, self.pipelines.settings, self.account_id)
        seen = [
            (one, writers.of(one.source_id).preview(one.list_id, [s.song for s in one.songs]))
            for one in self.awaiting()
        ]
        with database.session() as session:
            write_backs.plan(
                session,
                account_id=self.account_id,
                batch_id=batch_id,
                lists=[(one, preview.before_key) for one, preview in seen],
            )
        return batch_id

    def do(self, **parameters: str) -> tuple[Job, Snapshot, list[Shown]]:
        job = jobs.start(
            self.pipelines.celery,
            account_id=self.account_id,
            kind="write_back",
            parameters=parameters,
        )
        return self.pipelines.finish(job)

    def written(self) -> list[UUID]:
        with self.pipelines.runtime.database.reading() as session:
            return [row.id for row in write_backs.page(session, account_id=self.account_id)]

    def contents(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def in_lists(self) -> dict[str, set[str]]:
        """The titles of the songs of each playlist, as the last sync read them."""
        with self.pipelines.runtime.database.reading() as session:
            titles = {
                song.id: song.title
                for song in session.query(Song).filter(Song.account_id == self.account_id)
            }
            found = playlists.members(session, account_id=self.account_id)
            names = playlists.names(session, account_id=self.account_id)
        return {name: {titles[s] for s in found.get(key, ())} for key, name in names}


def test_accepted_songs_are_written_read_by_the_next_sync_and_taken_out_again(
    pipelines: Pipelines, music: Path, tmp_path: Path
) -> None:
    lists = Lists(pipelines, music, tmp_path, "analysis", "matching")
    before, in_lists = lists.contents(), lists.in_lists()
    accepted = lists.accept_all()
    wanted = {one.name: {song.song.title for song in one.songs} for one in lists.awaiting()}
    assert accepted == sum(map(len, wanted.values())) > 0

    job, snapshot, shown = lists.do(batch=str(lists.plan()))
    assert (job.status, job.failed) == ("completed", 0), job.error_message
    assert job.result == {"written": accepted, "already": 0, "lists": len(wanted)}
    assert snapshot.progress is not None
    assert snapshot.progress.done == job.total == accepted + len(wanted)
    ends = {(e.item_kind, e.status) for s in shown if isinstance(e := s.event, ItemEvent)}
    assert {("song", "succeeded"), ("playlist", "succeeded")} <= ends
    after = lists.contents()
    changed = {path for path in after if after[path] != before[path]}
    assert len(changed) == len(wanted)
    assert all(path.suffix.startswith(".m3u") for path in changed)

    # A second attempt, as of a worker that was lost before it could say that it was done.
    again, _, _ = lists.do(batch=str(job.parameters["batch"]))
    assert (again.status, lists.contents()) == ("completed", after)

    lists.run("sync")
    assert lists.in_lists() == {
        name: songs | wanted.get(name, set()) for name, songs in in_lists.items()
    }
    assert not lists.awaiting()
    lists.run("matching")
    with pipelines.runtime.database.reading() as session:
        assert matches.count(session, account_id=lists.account_id) == 0
        assert decisions.counts(session, account_id=lists.account_id).accepted == accepted

    undone, _, _ = lists.do(undo=str(lists.written()[0]))
    assert (undone.status, undone.failed, undone.result["undone"]) == ("completed", 0, 1)
    assert before != lists.contents() != after
    undone, _, _ = lists.do(undo_batch=job.parameters["batch"])
    assert (undone.status, undone.failed) == ("completed", 0)
    assert undone.result["undone"] == len(wanted)
    assert lists.contents() == before
    lists.run("sync")
    assert lists.in_lists() == in_lists
    # The decisions are the person's: they can be written again.
    assert {one.name for one in lists.awaiting()} == set(wanted)

    kept = pipelines.settings.data_dir / "backups" / str(lists.account_id)
    assert len(list(kept.iterdir())) == len(wanted)
    data_dir = pipelines.settings.data_dir
    purge.run_steps(
        pipelines.runtime.database,
        lambda session: purge.purge_write_backs(session, data_dir, utc_now()),
    )
    assert not lists.written()
    assert not list(kept.iterdir())


def test_a_list_that_somebody_changed_fails_by_itself_and_the_others_are_written(
    pipelines: Pipelines, music: Path, tmp_path: Path
) -> None:
    lists = Lists(pipelines, music, tmp_path)
    lists.accept_one_for_each()
    batch = lists.plan()
    first, *others = lists.awaiting()
    changed = lists.folder / first.list_id
    changed.write_bytes(changed.read_bytes() + b"# mine\n")
    theirs = changed.read_bytes()
    job, _, _ = lists.do(batch=str(batch))
    assert (job.status, job.failed) == ("completed", 1 + len(first.songs))
    assert job.result["lists"] == len(others) > 0
    assert changed.read_bytes() == theirs

    (row, *_) = (key for key in lists.written())
    with pipelines.runtime.database.reading() as session:
        found = {
            r.list_id: (r.state, r.reason)
            for r in write_backs.page(session, account_id=lists.account_id)
        }
    assert found[first.list_id] == ("failed", CHANGED)

    edited = lists.folder / others[0].list_id
    edited.write_bytes(edited.read_bytes() + b"# later\n")
    with pipelines.runtime.database.reading() as session:
        row = next(
            r.id
            for r in write_backs.page(session, account_id=lists.account_id)
            if r.list_id == others[0].list_id
        )
    undone, _, _ = lists.do(undo=str(row))
    assert (undone.failed, undone.result["undone"]) == (1, 0)
    assert edited.read_bytes().endswith(b"# later\n")


def test_a_sync_and_a_write_back_of_one_account_wait_for_each_other(
    pipelines: Pipelines, tmp_path: Path
) -> None:
    account, other = pipelines.account(tmp_path), pipelines.account(tmp_path)
    database = pipelines.runtime.database
    for first, second in (("write_back", "sync"), ("sync", "write_back")):
        with database.session() as session:
            job, _ = rows.create(session, account_id=account, kind=first)
        with pytest.raises(JobAlreadyActive) as refused:
            jobs.start(pipelines.celery, account_id=account, kind=second)
        assert (refused.value.job_id, refused.value.kind) == (job.id, first)
        assert pipelines.run(other, "sync")[0].status == "completed"
        jobs.cancel(pipelines.celery, account_id=account, job_id=job.id)


def test_a_job_without_a_plan_writes_nothing(pipelines: Pipelines, tmp_path: Path) -> None:
    account = pipelines.account(tmp_path)
    for parameters in ({}, {write_back.BATCH: str(uuid4())}, {write_back.UNDO: str(uuid4())}):
        job = jobs.start(
            pipelines.celery, account_id=account, kind="write_back", parameters=parameters
        )
        row, _, _ = pipelines.finish(job)
        assert (row.status, row.error_code) == ("failed", "nothing_to_write")
