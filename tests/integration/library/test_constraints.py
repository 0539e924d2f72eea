"""Rules that the tables hold themselves, whatever code writes to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from library.models import (
    ACTIVE_STATUSES,
    JOB_KINDS,
    STEPS,
    TERMINAL_STATUSES,
    Account,
    Base,
    BrowserSession,
    Decision,
    Features,
    Invite,
    ItemFailure,
    Job,
    JobPart,
    LikedList,
    LikedSong,
    ListFile,
    Match,
    MissingEntry,
    Playlist,
    PlaylistEntry,
    Song,
    Source,
    UnheardSong,
    WriteBack,
    WrittenSong,
)
from tests.integration.library.conftest import Home

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def part(account_id: UUID, job_id: UUID, song_id: UUID) -> JobPart:
    keys = {"account_id": account_id, "job_id": job_id, "through_song_id": song_id}
    return JobPart(**keys, attempt=1, number=0)


def refused(session: Session, *rows: Base) -> None:
    """These rows cannot be written, at once or at the latest when the transaction ends."""
    with pytest.raises(IntegrityError):
        write_and_look(session, *rows)


def write_and_look(session: Session, *rows: Base) -> None:
    with session.begin_nested():
        session.add_all(rows)
        session.flush()
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        elif session.execute(text("PRAGMA foreign_key_check")).first():
            raise IntegrityError("PRAGMA foreign_key_check", None, Exception("a dangling row"))


def job(home: Home, **values: Any) -> Job:
    return Job(**{"account_id": home.id, "kind": "sync", **values})


def failure(account_id: UUID, job_id: UUID) -> ItemFailure:
    return ItemFailure(
        account_id=account_id,
        job_id=job_id,
        item_kind="song",
        item_id="a",
        reason="The file is empty.",
        failed_at=NOW,
    )


def features(account_id: UUID, song_id: UUID) -> Features:
    return Features(
        song_id=song_id,
        account_id=account_id,
        analyser_version=1,
        content_key="-",
        tempo_bpm=120,
        tempo_confidence=1,
        loudness_lufs=-14,
        key_confidence=0,
        duration_seconds=1,
        timbre=b"",
    )


def match(account_id: UUID, song: Song, playlist: Playlist, **values: Any) -> Match:
    given = {"score": 0.5, "rank": 1, "reasons": []} | values
    return Match(account_id=account_id, song_id=song.id, playlist_id=playlist.id, **given)


def decision(account_id: UUID, **values: Any) -> Decision:
    given = {"song_identity": uuid4(), "playlist_identity": uuid4(), "verdict": "accepted"}
    words = {"song_label": "A song", "playlist_name": "A playlist"}
    return Decision(**{"account_id": account_id, **given, **words, **values})


class TestAccountsApart:
    """A row of one account never points to a row of another, under either account's name."""

    @pytest.fixture
    def other(self, make_home: Callable[[], Home]) -> Home:
        return make_home()

    @pytest.mark.parametrize("whose", ["mine", "theirs"])
    def test_songs_and_playlists_and_sources(self, home, other, session, whose):
        owner, source = (
            (home.id, other.source.id) if whose == "mine" else (other.id, home.source.id)
        )
        refused(session, Song(account_id=owner, source_id=source, external_id="x", title="x"))
        refused(session, Playlist(account_id=owner, source_id=source, external_id="x", name="x"))

    @pytest.mark.parametrize("whose", ["mine", "theirs"])
    def test_entries_and_playlists_and_songs(self, home, other, session, whose):
        owner = home.id if whose == "mine" else other.id
        for playlist, song in (
            (home.playlist("p"), other.song("s")),
            (other.playlist("p"), home.song("s")),
        ):
            refused(
                session,
                PlaylistEntry(
                    playlist_id=playlist.id, position=0, account_id=owner, song_id=song.id
                ),
            )

    def test_liked_songs(self, home, other, session):
        refused(session, LikedSong(account_id=home.id, song_id=other.song("s").id))

    def test_features(self, home, other, session):
        refused(session, features(home.id, other.song("s").id))

    @pytest.mark.parametrize("whose", ["mine", "theirs"])
    def test_matches_and_songs_and_playlists(self, home, other, session, whose):
        owner = home.id if whose == "mine" else other.id
        refused(session, match(owner, home.song("s"), other.playlist("p")))
        refused(session, match(owner, other.song("s"), home.playlist("p")))

    def test_matches_and_jobs(self, home, other, session):
        theirs = job(other)
        session.add(theirs)
        session.flush()
        refused(session, match(home.id, home.song("s"), home.playlist("p"), job_id=theirs.id))

    def test_jobs_and_the_jobs_they_retry(self, home, other, session):
        theirs = job(other)
        session.add(theirs)
        session.flush()
        refused(session, job(home, retry_of=theirs.id))

    @pytest.mark.parametrize("table", [Song, Playlist])
    def test_a_row_cannot_be_given_away(self, home, other, session, table):
        home.playlist("p", home.song("s"))
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(
                update(table).where(table.account_id == home.id).values(account_id=other.id)
            )

    def test_every_table_that_belongs_to_an_account_says_so_in_each_reference(self):
        for table in Base.metadata.sorted_tables:
            for key in table.foreign_key_constraints:
                if key.referred_table.name != "accounts":
                    assert "account_id" in key.column_keys, f"{table.name}: {key.name}"


class TestEnd:
    def test_an_account_that_ends_takes_all_it_has_along_and_nothing_of_others(
        self, home, make_home, session
    ):
        other = make_home()
        for mine in (home, other):
            song, playlist = mine.song("s"), mine.playlist("p", mine.song("t"))
            first = job(mine, status="completed", finished_at=NOW)
            session.add_all([first, LikedSong(account_id=mine.id, song_id=song.id)])
            written = WriteBack(
                account_id=mine.id, batch_id=uuid4(), source_id=mine.source.id,
                playlist_identity=uuid4(), playlist_name="p", list_id="p", before_key="",
            )  # fmt: skip
            session.add(written)
            session.flush()
            session.add_all([
                WrittenSong(
                    write_back_id=written.id, song_identity=uuid4(), account_id=mine.id,
                    position=0, label="",
                ),
                job(mine, retry_of=first.id),
                features(mine.id, song.id),
                match(mine.id, song, playlist, job_id=first.id),
                decision(mine.id),
                failure(mine.id, first.id),
                BrowserSession(account_id=mine.id, token_hash=uuid4().hex),
                part(mine.id, first.id, song.id),
                LikedList(
                    source_id=mine.source.id, external_id="l", account_id=mine.id, name="L",
                    is_liked=True, is_chosen=False,
                ),
                ListFile(source_id=mine.source.id, external_id="l", account_id=mine.id),
                UnheardSong(
                    song_id=song.id, account_id=mine.id, analyser_version=1, content_key="",
                    reason="",
                ),
                MissingEntry(
                    playlist_id=playlist.id, position=0, account_id=mine.id, label="", place=""
                ),
                Invite(account_id=mine.id, token_hash=uuid4().hex, expires_at=NOW),
            ])  # fmt: skip
            session.flush()
        session.execute(delete(Account).where(Account.id == home.id))
        session.commit()
        with Session(session.get_bind()) as reader:
            for table in Base.metadata.sorted_tables:
                column = table.c.id if table.name == "accounts" else table.c.account_id
                assert set(reader.scalars(select(column))) == {other.id}, table.name

    def test_a_playlist_that_ends_takes_its_entries_and_proposals_along_but_no_songs(
        self, home, session
    ):
        song = home.song("s")
        playlist = home.playlist("p", song)
        session.add(match(home.id, song, playlist))
        session.flush()
        session.execute(delete(Playlist).where(Playlist.id == playlist.id))
        counts = [session.scalar(select(func.count()).select_from(t)) for t in (Song, Match)]
        assert counts == [1, 0]
        assert session.scalar(select(func.count()).select_from(PlaylistEntry)) == 0

    def test_a_job_that_ends_takes_its_failures_along(self, home, session):
        first = job(home, status="completed", finished_at=NOW)
        session.add(first)
        session.flush()
        session.add(failure(home.id, first.id))
        session.flush()
        session.execute(delete(Job).where(Job.id == first.id))
        assert session.scalar(select(func.count()).select_from(ItemFailure)) == 0

    def test_a_decision_outlives_its_song_its_playlist_and_their_source(self, home, session):
        session.add(decision(home.id))
        home.playlist("p", home.song("s"))
        for table in (Song, Playlist, Source):
            session.execute(delete(table).where(table.account_id == home.id))
        assert session.scalar(select(func.count()).select_from(Decision)) == 1

    def test_a_decision_refers_to_its_account_alone(self):
        referred = {key.referred_table.name for key in Decision.__table__.foreign_key_constraints}
        assert referred == {"accounts"}


class TestOnce:
    def test_an_address_has_one_account(self, home, session):
        refused(session, Account(email=home.account.email, password_hash="-"))

    @pytest.mark.parametrize("email", ["Ann@example.org", "ÄNN@example.org"])
    def test_an_address_is_kept_in_lower_case(self, session, email):
        refused(session, Account(email=email, password_hash="-"))

    def test_a_folder_is_a_source_of_an_account_once(self, home, session):
        refused(
            session,
            Source(account_id=home.id, kind="folder", location=home.source.location, name="x"),
        )

    def test_a_source_names_a_song_and_a_playlist_once(self, home, session):
        home.song("a")
        home.playlist("a")
        ids = {"account_id": home.id, "source_id": home.source.id, "external_id": "a"}
        refused(session, Song(**ids, title="x"))
        refused(session, Playlist(**ids, name="x"))

    def test_a_place_in_a_playlist_is_taken_once_and_counts_from_nought(self, home, session):
        song = home.song("s")
        playlist = home.playlist("p", song)
        ids = {"account_id": home.id, "playlist_id": playlist.id, "song_id": song.id}
        refused(session, PlaylistEntry(**ids, position=0))
        refused(session, PlaylistEntry(**ids, position=-1))

    def test_a_song_is_liked_once_and_heard_once(self, home, session):
        song = home.song("s")
        session.add_all(
            [LikedSong(account_id=home.id, song_id=song.id), features(home.id, song.id)]
        )
        session.flush()
        session.expunge_all()
        refused(session, LikedSong(account_id=home.id, song_id=song.id))
        refused(session, features(home.id, song.id))

    def test_a_song_is_proposed_for_a_playlist_once(self, home, session):
        song, playlist = home.song("s"), home.playlist("p")
        session.add(match(home.id, song, playlist))
        session.flush()
        refused(session, match(home.id, song, playlist, rank=2))


@pytest.mark.parametrize("values", [{"score": -0.01}, {"score": 1.01}, {"verdict": "perhaps"}])
def test_a_decision_is_yes_or_no_with_a_score_from_0_to_1(home, session, values):
    refused(session, decision(home.id, **values))


def test_a_pair_is_decided_once(home, make_home, session):
    pair = {"song_identity": uuid4(), "playlist_identity": uuid4()}
    session.add_all([decision(home.id, **pair), decision(make_home().id, **pair)])
    session.flush()
    refused(session, decision(home.id, **pair, verdict="rejected"))


@pytest.mark.parametrize("values", [{"score": -0.01}, {"score": 1.01}, {"rank": 0}])
def test_a_proposal_has_a_score_from_0_to_1_and_a_rank_from_1(home, session, values):
    refused(session, match(home.id, home.song("s"), home.playlist("p"), **values))


class TestJobs:
    @pytest.mark.parametrize(
        "values",
        [
            {"kind": "dance"},
            {"status": "done"},
            {"attempt": -1},
            {"succeeded": -1},
            {"failed": -1},
            {"total": 1, "succeeded": 1, "failed": 1},
            {"status": "completed"},
            {"status": "pending", "finished_at": NOW},
        ],
    )
    def test_what_no_job_can_be_is_refused(self, home, session, values):
        refused(session, job(home, **values))

    @pytest.mark.parametrize("kind", JOB_KINDS)
    @pytest.mark.parametrize("first", ACTIVE_STATUSES)
    @pytest.mark.parametrize("second", ACTIVE_STATUSES)
    def test_an_account_has_one_active_job_of_a_kind(self, home, session, kind, first, second):
        session.add(job(home, kind=kind, status=first))
        session.flush()
        refused(session, job(home, kind=kind, status=second))

    def test_jobs_that_ended_and_those_of_other_kinds_and_accounts_are_not_counted(
        self, home, make_home, session
    ):
        ended = [job(home, status=s, finished_at=NOW) for s in TERMINAL_STATUSES * 2]
        session.add_all([*ended, *(job(home, kind=kind) for kind in STEPS), job(make_home())])
        session.flush()

    @pytest.mark.parametrize("second", ["running", "pending", "retrying"])
    def test_a_sync_and_a_write_back_are_never_at_an_accounts_lists_together(
        self, home, make_home, session, second
    ):
        session.add_all([job(home, kind="sync"), job(make_home(), kind="write_back")])
        session.flush()
        refused(session, job(home, kind="write_back", status=second))
        session.add(job(home, kind="write_back", status="completed", finished_at=NOW))
        session.flush()

    def test_a_key_is_an_accounts_own(self, home, make_home, session):
        session.add(job(home, idempotency_key="k"))
        session.add(job(make_home(), idempotency_key="k"))
        session.flush()
        refused(session, job(home, kind="matching", idempotency_key="k"))


def test_a_moment_without_an_offset_is_refused(home, session):
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(StatementError, match="needs an offset"):
        write_and_look(session, job(home, started_at=naive))


def test_a_moment_comes_back_in_utc_whatever_its_offset_was(home, session):
    there = datetime(2026, 6, 1, 14, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    row = job(home, started_at=there)
    session.add(row)
    session.flush()
    session.expire(row)
    assert row.started_at == there
    assert row.started_at.tzinfo is UTC


def test_a_file_of_any_size_and_age_is_kept(home, session):
    song = home.song("s", size_bytes=5 * 2**40, modified_ns=str(2**63 - 1))
    session.expire(song)
    assert (song.size_bytes, song.modified_ns) == (5 * 2**40, str(2**63 - 1))


def test_an_unknown_account_has_nothing(session):
    refused(session, Source(account_id=uuid4(), kind="folder", location="x", name="x"))
