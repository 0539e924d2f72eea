"""After a decision, the songs that it says something about are scored again, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select

from library import account_sources, accounts, decisions, likes, matches, playlists, songs
from library.models import Match
from library.proposing import Proposing
from library.sources.records import SongRecord
from tasks import matching_again
from tasks.factory import create_celery
from tasks.settings import Settings
from tests.integration.databases import MakeUrl
from tests.servers import Server

WAITING = {
    "one": ("Zed", 1990),
    "two": ("ZED", 1990),
    "put off": ("Zed", 1990),
    "other": ("Somebody", 2015),
}


class Shop:
    """Two lists of twelve songs each, and songs that wait."""

    def __init__(self, settings: Settings) -> None:
        self.celery = create_celery(settings)
        self.database = self.celery.runtime.database
        self.ids: dict[str, UUID] = {}
        with self.database.session() as session:
            account = accounts.create(session, email="a@b", password_hash="-")
            self.mine = {"account_id": account.id}
            source = account_sources.add(session, **self.mine, location="/m", name="M")
            of_source = {**self.mine, "source_id": source.id}

            def save(name: str, artist: str, year: int) -> UUID:
                record = SongRecord(external_id=name, title=name, artist=artist, year=year)
                self.ids[name] = songs.save(session, **of_source, record=record).id
                return self.ids[name]

            for name, year in (("old", 1990), ("new", 2015)):
                entries = [save(f"{name} {n}", f"{name} {n // 2}", year) for n in range(12)]
                listed = playlists.save(
                    session, **of_source, external_id=name, name=name, song_ids=entries
                )
                self.ids[name] = listed.id
            waiting = [save(name, *known) for name, known in WAITING.items()]
            likes.replace(session, **self.mine, song_ids=waiting)

    def match(self) -> None:
        with self.database.session() as session:
            work = Proposing.read(session, **self.mine)
            for block in work.of_unplaced():
                given = {"proposals": block.proposals, "queues": block.queues}
                matches.replace(session, **self.mine, job_id=None, **given)

    def best(self, song: str) -> tuple[UUID, UUID, float, str | None, list[str]]:
        """Its best proposal: its row, list, score, queue and reasons."""
        columns = (Match.id, Match.playlist_id, Match.score, Match.queue, Match.reasons)
        of_song = Match.song_id == self.ids[song], Match.rank == 1
        with self.database.session() as session:
            return session.execute(select(*columns).where(*of_song)).one()  # type: ignore[return-value]

    def decide(self, act: str, song: str, into: str) -> UUID:
        ids = {"song_id": self.ids[song], "playlist_id": self.ids[into]}
        with self.database.session() as session:
            decision = getattr(decisions, act)(session, **self.mine, **ids)
        self.again(decision.id)
        return decision.id  # type: ignore[no-any-return]

    def again(self, decision: UUID | None) -> None:
        given = [str(self.mine["account_id"]), str(decision) if decision else None]
        self.celery.tasks[matching_again.NAME].apply(args=given, throw=True)


@pytest.fixture
def shop(make_url: MakeUrl, valkey_server: Server, tmp_path: Path) -> Iterator[Shop]:
    settings = Settings.from_environ(
        {
            "DATABASE_URL": make_url(True),
            "EARMARK_DATA": str(tmp_path),
            "REDIS_URL": f"{valkey_server.tcp_url.removesuffix('/0')}/3",
        }
    )
    shop = Shop(settings)
    yield shop
    shop.celery.runtime.close()
    shop.celery.close()


def test_songs_of_the_artist_that_was_accepted_are_surer_and_say_why(shop: Shop) -> None:
    shop.match()
    with shop.database.session() as session:
        decisions.put_off(session, **shop.mine, song_id=shop.ids["put off"])
        of_other = Match.song_id == shop.ids["other"], Match.playlist_id == shop.ids["old"]
        session.execute(delete(Match).where(*of_other))
    _, before_list, before, _, _ = shop.best("two")
    assert before_list == shop.ids["old"]
    kept = shop.best("other")
    shop.decide("accept", "one", "old")
    _, after_list, after, queue, reasons = shop.best("two")
    assert after_list == shop.ids["old"]
    assert after > before
    assert (queue, reasons[0]) == ("liked", "A song by ZED in it")
    assert shop.best("put off")[3] == "later"
    assert shop.best("other") == kept  # the very row
    with shop.database.session() as session:
        waiting = {row.title for row in matches.page(session, **shop.mine)}
    assert waiting == {"two", "other"}


def test_a_decision_that_is_undone_leaves_no_trace_in_what_is_proposed(shop: Shop) -> None:
    shop.match()
    before = {song: shop.best(song)[1:] for song in ("one", "two", "other")}
    decision = shop.decide("accept", "one", "old")
    assert shop.best("two")[1:] != before["two"]
    with shop.database.session() as session:
        decisions.undo(session, **shop.mine, decision_id=decision)
    shop.again(decision)
    for song, (listed, score, queue, reasons) in before.items():
        assert shop.best(song)[1:] == (listed, pytest.approx(score), queue, reasons)


def test_after_many_decisions_all_songs_in_no_playlist_are_scored_once(shop: Shop) -> None:
    shop.match()
    batch, before = uuid4(), shop.best("put off")
    wanted = matches.Wanted(playlist_id=shop.ids["old"], artist="ZED")
    with shop.database.session() as session:
        decisions.accept_all(session, **shop.mine, wanted=wanted, batch_id=batch)
    shop.again(None)
    assert shop.best("put off")[2] > before[2]
    with shop.database.session() as session:
        waiting = {row.title for row in matches.page(session, **shop.mine)}
        assert waiting == {"one", "put off", "other"}
        decisions.undo_batch(session, **shop.mine, batch_id=batch)
    shop.again(None)
    assert shop.best("put off")[2] == pytest.approx(before[2])


def test_a_decision_scores_a_bounded_number_of_songs_those_of_the_artist_first(shop: Shop) -> None:
    with shop.database.session() as session:
        work = Proposing.read(session, **shop.mine)
    proposed = [shop.ids["other"], shop.ids["old 1"]]
    found = [work.changed_by(shop.ids["one"], proposed, most=most) for most in (1, 3, 9)]
    artist = {shop.ids[name] for name in ("one", "two", "put off")}
    assert found == [{shop.ids["one"]}, artist, artist | {shop.ids["other"]}]


def test_what_was_rejected_is_not_proposed_again(shop: Shop) -> None:
    shop.match()
    shop.decide("reject", "two", "old")
    with shop.database.session() as session:
        of_song = Match.song_id == shop.ids["two"]
        lists = set(session.scalars(select(Match.playlist_id).where(of_song)))
    assert shop.ids["old"] not in lists


def test_songs_are_read_once_until_a_sync_or_an_analysis_has_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.match()
    read, reads = Proposing.read, []

    def counted(session: object, **ids: UUID) -> Proposing:
        reads.append(ids)
        return read(session, **ids)  # type: ignore[arg-type]

    monkeypatch.setattr(Proposing, "read", counted)
    shop.decide("accept", "one", "old")
    shop.decide("accept", "two", "old")
    assert len(reads) == 1
    with shop.database.session() as session:
        song = songs.get(session, **shop.mine, song_id=shop.ids["other"])
        assert song is not None
        song.present = False
    shop.decide("accept", "put off", "old")
    assert len(reads) == 2


def test_without_a_queue_a_decision_stands(tmp_path: Path) -> None:
    settings = Settings.from_environ(
        {"EARMARK_DATA": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}
    )
    celery = create_celery(settings)
    one = UUID(int=1)
    matching_again.send(celery, account_id=one, decision_id=one)
    celery.runtime.close()
    celery.close()
