"""Each query finds an account's own rows and no others, on both databases."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy.orm import Session

from library import (
    accounts,
    features,
    jobs,
    likes,
    matches,
    parts,
    playlists,
    songs,
)
from library.errors import EmailTaken, JobAlreadyActive
from library.listening import Listening
from library.matching import Proposal
from library.models import Job, Playlist, Song, utc_now
from library.sources.records import EntryRecord
from tests.integration.library.conftest import LISTENING, Home

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def titles(rows: Iterable[Any]) -> list[str]:
    return [row.title for row in rows]


class TestAccounts:
    def test_an_address_is_known_in_any_case(self, session: Session) -> None:
        account = accounts.create(session, email=" Ünn@Example.ORG ", password_hash="h")
        assert account.email == "ünn@example.org"
        assert accounts.by_email(session, email="ÜNN@example.org ") is account
        assert accounts.get(session, account_id=account.id) is account
        assert accounts.by_email(session, email="bob@example.org") is None

    def test_an_address_that_is_taken_is_named_and_the_rest_is_kept(self, session: Session) -> None:
        kept = accounts.create(session, email="a@b", password_hash="h")
        with pytest.raises(EmailTaken, match="a@b"):
            accounts.create(session, email="A@B", password_hash="h")
        assert accounts.get(session, account_id=kept.id) is kept


class TestSongs:
    def test_a_song_that_is_read_again_is_the_same_song(self, home: Home) -> None:
        first = home.song("a", artist="Ann")
        second = home.song("a", title="New", artist=None)
        assert first is second
        assert (second.title, second.artist) == ("New", None)

    def test_a_song_may_have_a_title_of_any_length(self, session: Session, home: Home) -> None:
        rng = random.Random(0)
        title = "".join(chr(rng.randrange(0x1F300, 0x1F600)) for _ in range(5_000))
        home.song("a", title=title, artist="x" * 300, genre=None)
        (found,) = songs.page(session, account_id=home.id, search=title[:50])
        assert (found.title, found.artist) == (f"{title[:299]}…", "x" * 300)

    def test_a_song_that_is_gone_is_kept_but_shown_nowhere(
        self, session: Session, home: Home
    ) -> None:
        kept, gone = home.song("kept"), home.song("gone")
        likes.replace(session, account_id=home.id, song_ids=[kept.id, gone.id])
        home.lose(songs=["gone"])
        assert songs.ids_by_external(session, source_id=home.source.id) == {"kept": kept.id}
        assert titles(songs.page(session, account_id=home.id)) == ["kept"]
        assert songs.counts(session, account_id=home.id) == (1, 1, 0)
        assert titles(features.to_match(session, account_id=home.id)) == ["kept"]
        assert home.song("gone").id == gone.id
        assert songs.counts(session, account_id=home.id) == (2, 2, 0)

    def test_many_songs_may_go_at_once(self, session: Session, home: Home) -> None:
        session.add_all(
            Song(account_id=home.id, source_id=home.source.id, external_id=str(n), title="x")
            for n in range(1201)
        )
        session.flush()
        home.lose(songs=[str(n) for n in range(1201) if n != 7])
        assert songs.ids_by_external(session, source_id=home.source.id).keys() == {"7"}

    def test_the_liked_songs_are_these_and_no_others(
        self, session: Session, home: Home, make_home: Callable[[], Home]
    ) -> None:
        a, b, c = (home.song(name) for name in "abc")
        other = make_home()
        likes.replace(session, account_id=other.id, song_ids=[other.song("x").id])
        for wanted in ([a, b], [b, c], [c, c], []):
            ids = [song.id for song in wanted]
            likes.replace(session, account_id=home.id, song_ids=ids)
            assert likes.ids(session, account_id=home.id) == set(ids)
        assert len(likes.ids(session, account_id=other.id)) == 1

    def test_songs_are_paged_by_title_each_once(self, session: Session, home: Home) -> None:
        titles = ["Same", "Same", "Same", "Äther", "a", "B", "", "日本", "z"]
        made = [home.song(str(n), title=title) for n, title in enumerate(titles)]
        whole = [row.id for row in songs.page(session, account_id=home.id)]
        assert set(whole) == {song.id for song in made}
        for limit in (1, 2, 3, 8):
            walked: list[UUID] = []
            while rows := songs.page(
                session,
                account_id=home.id,
                after=walked[-1] if walked else None,
                limit=limit,
            ):
                walked += [row.id for row in rows]
                assert len(walked) <= len(made)
            assert walked == whole

    def test_a_page_after_a_song_that_is_not_there_is_empty(
        self, session: Session, home: Home, make_home: Callable[[], Home]
    ) -> None:
        home.song("a")
        for mark in (uuid4(), make_home().song("theirs").id):
            assert songs.page(session, account_id=home.id, after=mark) == []

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("night", {"1"}),
            ("NIGHT", {"1"}),
            ("quay", {"1"}),
            ("harbour", {"1"}),
            ("über", {"2"}),
            ("ÜBER", {"2"}),
            ("uber den", {"2"}),
            ("STRASSE", {"2"}),
            ("night\nnorth", {"1"}),
            ("100%", {"3"}),
            ("%", {"3"}),
            ("_", {"4"}),
            ("\\", {"5"}),
            ("", {"1", "2", "3", "4", "5"}),
            ("nowhere", set()),
        ],
    )
    def test_a_search_finds_title_artist_and_album_as_they_stand(
        self, session: Session, home: Home, search: str, found: set[str]
    ) -> None:
        home.song("1", title="At Night", artist="North Quay", album="Harbour")
        home.song("2", title="Über den Wolken", album="Straße")
        home.song("3", title="100% pure")
        home.song("4", title="a_b")
        home.song("5", title="a\\b")
        rows = songs.page(session, account_id=home.id, search=search)
        shown = features.by_ids(session, account_id=home.id, song_ids=[row.id for row in rows])
        assert {song.external_id for song in shown} == found

    def test_a_page_says_what_was_heard_and_what_is_liked(
        self, session: Session, home: Home
    ) -> None:
        a, b = home.song("a"), home.song("b")
        likes.replace(session, account_id=home.id, song_ids=[b.id])
        home.heard(a, version=1)
        rows = songs.page(session, account_id=home.id)
        assert [(s.title, s.tempo_bpm, s.key, s.loudness_lufs, s.is_liked) for s in rows] == [
            ("a", 120.5, "C♯ minor", -14.2, False),
            ("b", None, None, None, True),
        ]
        assert titles(songs.page(session, account_id=home.id, liked_only=True)) == ["b"]
        assert songs.counts(session, account_id=home.id) == (2, 1, 1)

    def test_what_was_heard_comes_back_as_it_was(self, session: Session, home: Home) -> None:
        song = home.song("a")
        for confidence in (0.1, 0.9):
            heard = Listening(120.5, confidence, -14.2, "C♯ minor", 0.8, 200.0, LISTENING.timbre)
            home.heard(song, version=1, listening=heard)
        session.expire_all()
        (found,) = features.to_match(session, account_id=home.id)
        assert (found.tempo_bpm, found.tempo_confidence) == (120.5, 0.9)
        assert found.timbre is not None
        assert np.array_equal(np.frombuffer(found.timbre, "<f4"), LISTENING.timbre)

    def test_only_what_was_not_heard_in_this_form_is_to_be_heard(
        self, session: Session, home: Home
    ) -> None:
        def waiting(version: int = 2) -> list[str]:
            found = features.to_analyse(session, account_id=home.id, analyser_version=version)
            return sorted(titles(found))

        a = home.song("a", size_bytes=1, modified_ns="1")
        home.song("b")
        assert waiting() == ["a", "b"]
        home.heard(a)
        assert waiting() == ["b"]
        assert waiting(version=3) == ["a", "b"]
        home.song("a", size_bytes=1, modified_ns="2")
        assert waiting() == ["a", "b"]
        home.lose(songs=["a"])
        assert waiting() == ["b"]

    @pytest.mark.parametrize("file", [(None, None), (5, None), (None, "7"), (3 * 2**40, "7")])
    def test_a_song_is_heard_once_whatever_is_known_of_its_file(
        self, session: Session, home: Home, file: tuple[int | None, str | None]
    ) -> None:
        home.heard(home.song("a", size_bytes=file[0], modified_ns=file[1]))
        assert list(features.to_analyse(session, account_id=home.id, analyser_version=2)) == []
        since = {"account_id": home.id, "analyser_version": 2}
        assert titles(features.heard_since(session, **since, since=NOW - timedelta(days=9999))) == [
            "a"
        ]
        assert list(features.heard_since(session, **since, since=NOW + timedelta(days=9999))) == []

    def test_what_changed_while_it_was_heard_is_to_be_heard_again(
        self, session: Session, home: Home
    ) -> None:
        before = home.song("a", size_bytes=1, modified_ns="1")
        (read,) = features.by_ids(session, account_id=home.id, song_ids=[before.id])
        home.song("a", size_bytes=1, modified_ns="2")
        home.heard(before, content_key=read.content_key)
        assert titles(features.to_analyse(session, account_id=home.id, analyser_version=2)) == ["a"]

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
    def test_what_is_to_be_heard_comes_a_part_at_a_time_each_once(
        self, session: Session, home: Home, size: int
    ) -> None:
        made = sorted(home.song(str(n)).id for n in range(7))
        lasts = parts.lasts(made, size=size)
        job, _ = jobs.create(session, account_id=home.id, kind="analysis")
        parts.plan(session, account_id=home.id, job_id=job.id, attempt=1, lasts=lasts)
        walked: list[UUID] = []
        for number in range(len(lasts)):
            span = parts.span(session, job_id=job.id, attempt=1, number=number)
            assert span is not None
            of_part = {"account_id": home.id, "analyser_version": 2, **span._asdict()}
            found = [song.id for song in features.to_analyse(session, **of_part)]
            assert len(found) <= size
            walked += found
        assert walked == made

    def test_a_newer_attempt_shares_out_anew_and_an_older_one_changes_nothing(
        self, session: Session, home: Home
    ) -> None:
        made = sorted(home.song(str(n)).id for n in range(3))
        job, _ = jobs.create(session, account_id=home.id, kind="analysis")
        parts.plan(session, account_id=home.id, job_id=job.id, attempt=1, lasts=made)
        parts.plan(session, account_id=home.id, job_id=job.id, attempt=2, lasts=made[2:])
        assert parts.span(session, job_id=job.id, attempt=1, number=0) is None
        parts.plan(session, account_id=home.id, job_id=job.id, attempt=1, lasts=made)
        assert parts.span(session, job_id=job.id, attempt=2, number=0) == (None, made[2])
        assert parts.span(session, job_id=job.id, attempt=2, number=1) is None
        ended = {"job_id": job.id, "status": "completed", "now": utc_now()}
        assert not jobs.finish(session, attempt=7, **ended)
        assert parts.span(session, job_id=job.id, attempt=2, number=0) is not None
        assert jobs.finish(session, attempt=0, **ended)
        assert parts.span(session, job_id=job.id, attempt=2, number=0) is None


class TestPlaylists:
    def test_a_playlist_keeps_its_order_songs_twice_and_the_names_of_what_is_missing(
        self, session: Session, home: Home
    ) -> None:
        a, b = home.song("a"), home.song("b")
        gone = EntryRecord(None, is_missing=True, label="Björk – Hunter", place="/x/Hunter.mp3")

        def save(song_ids: list[UUID | None], missing: dict[int, EntryRecord]) -> Playlist:
            return playlists.save(
                session,
                account_id=home.id,
                source_id=home.source.id,
                external_id="list.m3u",
                name="List",
                song_ids=song_ids,
                missing=missing,
            )

        kept = save([b.id, None, a.id, b.id], {1: gone})
        mine = {"account_id": home.id, "playlist_id": kept.id}
        shown = playlists.songs(session, **mine)
        assert [(row.position, row.title, row.place) for row in shown] == [
            (0, "b", None), (1, "Björk – Hunter", "/x/Hunter.mp3"), (2, "a", None), (3, "b", None),
        ]  # fmt: skip
        assert [row.is_missing for row in shown] == [False, True, False, False]
        walked: list[int] = []
        while rows := playlists.songs(session, **mine, after=walked[-1] if walked else -1, limit=1):
            walked += [row.position for row in rows]
        assert walked == [0, 1, 2, 3]
        # The matcher is told of each song once.
        assert playlists.members(session, account_id=home.id) == {kept.id: [b.id, a.id]}
        save([a.id], {})
        assert titles(playlists.songs(session, **mine)) == ["a"]

    def test_a_song_that_comes_back_takes_its_place_again(
        self, session: Session, home: Home
    ) -> None:
        a = home.song("a", title="There")
        gone = EntryRecord("a", is_missing=True, label="Was", place="a")
        kept = playlists.save(
            session,
            account_id=home.id,
            source_id=home.source.id,
            external_id="list.m3u",
            name="List",
            song_ids=[a.id],
            missing={0: gone},
        )
        home.lose(songs=["a"])
        mine = {"account_id": home.id, "playlist_id": kept.id}
        assert titles(playlists.songs(session, **mine)) == ["Was"]
        home.song("a", title="There")
        assert titles(playlists.songs(session, **mine)) == ["There"]

    def test_a_playlist_that_is_read_again_is_the_same_with_its_new_entries(
        self, session: Session, home: Home
    ) -> None:
        a, b, c = (home.song(name) for name in "abc")
        first = home.playlist("p", a, b)
        second = home.playlist("p", c, a)
        assert first.id == second.id
        assert playlists.members(session, account_id=home.id) == {first.id: [c.id, a.id]}
        found = playlists.songs(session, account_id=home.id, playlist_id=first.id)
        assert titles(found) == ["c", "a"]

    def test_a_playlist_is_paged_in_its_order_each_entry_once(
        self, session: Session, home: Home
    ) -> None:
        made = home.playlist("p", *(home.song(name) for name in "cabdcca"))
        walked: list[playlists.ListedEntry] = []
        while found := playlists.songs(
            session,
            account_id=home.id,
            playlist_id=made.id,
            after=walked[-1].position if walked else -1,
            limit=2,
        ):
            walked += found
        assert titles(walked) == list("cabdcca")
        home.lose(songs=["c"])
        found = playlists.songs(session, account_id=home.id, playlist_id=made.id)
        assert titles(found) == list("abda")

    def test_playlists_are_paged_by_name_each_once(
        self, session: Session, home: Home, make_home: Callable[[], Home]
    ) -> None:
        names = ["b", "a", "Same", "Same ", "z", "Äther", ""]
        made = [home.playlist(name) for name in names]
        made[3].name = "Same"
        session.flush()
        theirs = make_home().playlist("theirs").id
        whole = [playlist.id for playlist in playlists.page(session, account_id=home.id)]
        assert set(whole) == {playlist.id for playlist in made}
        assert playlists.count(session, account_id=home.id) == len(made)
        for limit in (1, 2, 3):
            walked: list[UUID] = []
            while rows := playlists.page(
                session, account_id=home.id, after=walked[-1] if walked else None, limit=limit
            ):
                walked += [row.id for row in rows]
                assert len(walked) <= len(made)
            assert walked == whole
        for mark in (uuid4(), theirs):
            assert playlists.page(session, account_id=home.id, after=mark) == []

    def test_a_playlist_may_be_empty(self, session: Session, home: Home) -> None:
        full, empty = home.playlist("b", home.song("s")), home.playlist("a")
        found = playlists.page(session, account_id=home.id)
        assert [(row.id, row.size) for row in found] == [(empty.id, 0), (full.id, 1)]
        assert playlists.members(session, account_id=home.id).keys() == {full.id}

    def test_songs_that_are_gone_are_no_members(self, session: Session, home: Home) -> None:
        a, b = home.song("a"), home.song("b")
        playlist = home.playlist("p", a, b)
        home.lose(songs=["a"])
        assert playlists.members(session, account_id=home.id) == {playlist.id: [b.id]}


class TestMatches:
    def test_the_proposals_for_a_song_are_these_and_no_others(
        self, session: Session, home: Home
    ) -> None:
        song, p, q = home.song("s"), home.playlist("p"), home.playlist("q")
        job, _ = jobs.create(session, account_id=home.id, kind="matching")
        for scores in ({p: 0.5}, {q: 0.7, p: 0.2}, {}, {p: 0.9, q: 0.1}):
            found = [Proposal(str(song.id), str(x.id), s, ("why",)) for x, s in scores.items()]
            matches.replace(session, account_id=home.id, job_id=job.id, proposals={song.id: found})
            rows = matches.page(session, account_id=home.id)
            shown = [
                (m.playlist_id, m.name, m.score, m.reasons) for row in rows for m in row.matches
            ]
            assert shown == [(x.id, x.name, s, ("why",)) for x, s in scores.items()]
            assert matches.count(session, account_id=home.id) == bool(scores)

    def test_the_songs_most_sure_of_come_first(self, session: Session, home: Home) -> None:
        p, q = home.playlist("p"), home.playlist("q")
        for name, score in (("unsure", 0.4), ("sure", 0.9), ("half", 0.6)):
            song = home.song(name)
            proposals = [
                Proposal("", str(p.id), score, ()), Proposal("", str(q.id), 1 - score, ())
            ]  # fmt: skip
            matches.replace(
                session, account_id=home.id, job_id=None, proposals={song.id: proposals}
            )
        found = matches.page(session, account_id=home.id)
        assert titles(found) == ["sure", "half", "unsure"]
        assert [[m.playlist_id for m in song.matches] for song in found] == [[p.id, q.id]] * 3

    def test_proposals_are_paged_each_once_also_where_many_are_as_sure(
        self, session: Session, home: Home
    ) -> None:
        p, q = home.playlist("p"), home.playlist("q")
        for number in range(9):
            score = 0.9 - number // 4 / 7
            self.propose(home, home.song(str(number)), {p: score, q: 0.1})
        whole = matches.page(session, account_id=home.id)
        assert len(whole) == matches.count(session, account_id=home.id) == 9
        for limit in (1, 2, 4):
            walked: list[matches.ListedProposal] = []
            while rows := matches.page(
                session,
                account_id=home.id,
                after=walked[-1].mark if walked else None,
                limit=limit,
            ):
                walked += rows
                assert len(walked) <= len(whole)
            assert walked == whole

    def test_a_page_goes_on_where_the_last_one_ended_also_after_a_new_matching(
        self, session: Session, home: Home
    ) -> None:
        p, made = home.playlist("p"), [home.song(name) for name in "abc"]
        for song, score in zip(made, (0.9, 0.8, 0.7), strict=True):
            self.propose(home, song, {p: score})
        (first,) = matches.page(session, account_id=home.id, limit=1)
        self.propose(home, made[0], {})
        assert titles(matches.page(session, account_id=home.id, after=first.mark)) == ["b", "c"]

    def test_a_proposal_for_a_song_that_is_gone_is_neither_shown_nor_counted(
        self, session: Session, home: Home
    ) -> None:
        p = home.playlist("p")
        for name in "ab":
            self.propose(home, home.song(name), {p: 0.5})
        home.lose(songs=["b"])
        assert titles(matches.page(session, account_id=home.id)) == ["a"]
        assert matches.count(session, account_id=home.id) == 1

    def propose(self, home: Home, song: Song, scores: dict[Playlist, float]) -> None:
        found = [Proposal(str(song.id), str(x.id), s, ()) for x, s in scores.items()]
        matches.replace(home.session, account_id=home.id, job_id=None, proposals={song.id: found})


class TestJobs:
    def create(self, home: Home, **values: object) -> Job:
        given = {"kind": "sync", **values}
        return jobs.create(home.session, account_id=home.id, **given)[0]  # type: ignore[arg-type]

    def end(self, home: Home, job: Job, status: str = "completed") -> bool:
        return jobs.finish(home.session, job_id=job.id, attempt=job.attempt, status=status, now=NOW)

    def test_a_second_job_of_a_kind_is_refused_and_names_the_first(self, home: Home) -> None:
        first = self.create(home)
        with pytest.raises(JobAlreadyActive) as caught:
            self.create(home)
        assert (caught.value.job_id, caught.value.kind) == (first.id, "sync")
        self.create(home, kind="analysis")
        self.end(home, first)
        assert self.create(home).id != first.id

    def test_a_key_that_was_used_gives_the_job_it_made_also_after_its_end(
        self, home: Home, make_home: Callable[[], Home]
    ) -> None:
        session = home.session
        made, new = jobs.create(session, account_id=home.id, kind="sync", idempotency_key="k")
        assert new
        for _ in range(2):
            found, new = jobs.create(session, account_id=home.id, kind="sync", idempotency_key="k")
            assert (found.id, new) == (made.id, False)
            self.end(home, made)
        other = make_home()
        _, new = jobs.create(session, account_id=other.id, kind="sync", idempotency_key="k")
        assert new

    def test_an_attempt_begins_until_the_job_is_over(self, home: Home) -> None:
        job = self.create(home)

        def begin() -> int | None:
            return jobs.begin_attempt(home.session, job_id=job.id, now=NOW)

        assert [begin(), begin()] == [1, 2]
        home.session.refresh(job)
        assert (job.status, job.attempt, job.started_at) == ("running", 2, NOW)
        assert self.end(home, job)
        assert begin() is None

    def test_a_stale_attempt_writes_nothing(self, home: Home) -> None:
        job = self.create(home)
        for _ in range(2):
            jobs.begin_attempt(home.session, job_id=job.id, now=NOW)
        ids = {"job_id": job.id, "attempt": 1}
        counts = {"total": 9, "succeeded": 9, "failed": 0}
        assert not jobs.set_retrying(home.session, **ids)
        assert not jobs.set_counts(home.session, **ids, **counts)
        assert not jobs.finish(home.session, **ids, status="failed", now=NOW)
        home.session.refresh(job)
        assert (job.status, job.total, job.finished_at) == ("running", None, None)
        ids["attempt"] = 2
        assert jobs.set_counts(home.session, **ids, **counts, result={"heard": 9})
        assert jobs.set_retrying(home.session, **ids)
        home.session.refresh(job)
        assert (job.status, job.succeeded, job.result) == ("retrying", 9, {"heard": 9})

    def test_a_job_ends_once(self, home: Home) -> None:
        job = self.create(home)
        assert self.end(home, job, "failed")
        assert not self.end(home, job, "completed")
        home.session.refresh(job)
        assert (job.status, job.finished_at) == ("failed", NOW)

    def test_what_went_wrong_is_kept(self, home: Home) -> None:
        job = self.create(home)
        jobs.finish(
            home.session,
            job_id=job.id,
            attempt=0,
            status="failed",
            now=NOW,
            error_code="code",
            error_message="A sentence.",
        )
        home.session.refresh(job)
        assert (job.error_code, job.error_message) == ("code", "A sentence.")

    def test_only_its_owner_cancels_a_job_and_only_before_its_end(
        self, home: Home, make_home: Callable[[], Home]
    ) -> None:
        job = self.create(home)

        def cancel(account_id: UUID) -> bool:
            return jobs.request_cancel(home.session, account_id=account_id, job_id=job.id, now=NOW)

        assert not cancel(make_home().id)
        assert cancel(home.id)
        home.session.refresh(job)
        assert job.cancel_requested_at == NOW
        self.end(home, job, "cancelled")
        assert not cancel(home.id)

    def test_jobs_are_paged_newest_first_each_once(self, home: Home) -> None:
        for n in range(9):
            job = self.create(home, kind=("sync", "analysis", "matching")[n % 3])
            # Three moments, so that several jobs share each.
            job.created_at = NOW + timedelta(seconds=n // 3)
            self.end(home, job)
        session = home.session
        session.flush()
        whole = jobs.page(session, account_id=home.id)
        moments = [job.created_at for job in whole]
        assert len(whole) == 9
        assert moments == sorted(moments, reverse=True)
        for limit in (1, 2, 4):
            walked: list[Job] = []
            while rows := jobs.page(
                session,
                account_id=home.id,
                before=walked[-1].id if walked else None,
                limit=limit,
            ):
                walked += rows
                assert len(walked) <= 9
            assert walked == whole
        kinds = jobs.page(session, account_id=home.id, kind="sync", status="completed")
        assert [job.kind for job in kinds] == ["sync"] * 3
        assert jobs.page(session, account_id=home.id, status="failed") == []
        assert jobs.page(session, account_id=home.id, before=uuid4()) == []

    def test_the_active_and_the_latest_job_of_a_kind_are_found(self, home: Home) -> None:
        first = self.create(home)
        assert jobs.active(home.session, account_id=home.id, kind="sync") is first
        self.end(home, first)
        assert jobs.active(home.session, account_id=home.id, kind="sync") is None
        second = self.create(home)
        second.created_at = first.created_at + timedelta(seconds=1)
        home.session.flush()
        assert jobs.latest(home.session, account_id=home.id, kind="sync") is second
        assert jobs.latest(home.session, account_id=home.id, kind="matching") is None
        assert jobs.load(home.session, job_id=first.id) is first
        assert jobs.load(home.session, job_id=uuid4()) is None


def test_nothing_of_one_account_is_found_by_another(
    session: Session, home: Home, make_home: Callable[[], Home], tmp_path: Path
) -> None:
    song = home.song("s")
    playlist = home.playlist("p", song)
    job, _ = jobs.create(session, account_id=home.id, kind="sync")
    other = make_home().id
    assert songs.get(session, account_id=other, song_id=song.id) is None
    assert features.by_ids(session, account_id=other, song_ids=[song.id]) == []
    assert songs.page(session, account_id=other) == []
    assert songs.counts(session, account_id=other) == (0, 0, 0)
    assert playlists.get(session, account_id=other, playlist_id=playlist.id) is None
    assert playlists.songs(session, account_id=other, playlist_id=playlist.id) == []
    assert playlists.members(session, account_id=other) == {}
    assert jobs.get(session, account_id=other, job_id=job.id) is None
    assert jobs.page(session, account_id=other) == []
    # And its own account finds all of it.
    assert titles(features.by_ids(session, account_id=home.id, song_ids=[song.id])) == ["s"]
    assert playlists.get(session, account_id=home.id, playlist_id=playlist.id) is playlist
    assert jobs.get(session, account_id=home.id, job_id=job.id) is job
