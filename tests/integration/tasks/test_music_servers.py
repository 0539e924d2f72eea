"""A music server as an account's source: its sync, what it loses, and what is heard of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
import soundfile
from sqlalchemy import event, select

from library import account_sources, accounts, likes, playlists
from library.models import Features, Song
from library.sources.subsonic.kind import try_out
from library.sources.subsonic.login import Login
from progress.testing.reading import events_of
from tasks import jobs
from tasks.factory import create_celery
from tasks.settings import Settings
from tasks.sources import installation
from tests.integration.conftest import Pipelines
from tests.integration.tasks.test_loss import Shelf
from tests.servers import Server
from tests.subsonic.double import Double, Playlist, failed, plain
from tests.subsonic.sockets import serving

PASSWORD = "correct horse"
SECRET_KEY = "for tests, and long enough"


def add_server(database: Any, settings: Settings, account_id: UUID, address: str) -> UUID:
    new = try_out(address, Login("ada", PASSWORD), installation=installation(settings))
    with database.session() as session:
        return account_sources.add(
            session,
            account_id=account_id,
            kind="subsonic",
            location=new.location,
            name=new.name,
            settings=new.settings,
            secret=new.secret,
        ).id


@pytest.fixture
def double() -> Double:
    double = Double.with_songs(60, starred=["so-1", "so-2"])
    double.songs["so-3"]["userRating"] = 5
    double.playlists = {"1": Playlist("Evening", ["so-4", "so-5"]), "2": Playlist("Way", ["so-6"])}
    return double


@pytest.fixture
def listener(double: Double, valkey_server: Server, tmp_path: Path) -> Iterator[Shelf]:
    """An account whose one source is the double."""
    settings = Settings.from_environ(
        {
            "EARMARK_DATA": str(tmp_path),
            "REDIS_URL": f"{valkey_server.tcp_url.removesuffix('/0')}/2",
            "SECRET_KEY": SECRET_KEY,
            "EARMARK_PRIVATE_SERVERS": "yes",
        }
    )
    celery = create_celery(settings)
    database = celery.runtime.database
    database.migrate()
    with database.session() as session:
        account = accounts.create(session, email=f"{uuid4()}@example.org", password_hash="-")
    with serving(double) as address:
        add_server(database, settings, account.id, address)
        yield Shelf(celery, account.id, tmp_path)
    celery.runtime.close()
    celery.close()


@contextmanager
def written(shelf: Shelf) -> Iterator[set[str]]:
    """The tables of which a block writes rows."""
    tables: set[str] = set()

    def note(_conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        if words[0] in ("INSERT", "UPDATE", "DELETE") and cursor.rowcount:
            tables.add(words[1 if words[0] == "UPDATE" else 2].strip('"'))

    engine = shelf.runtime.database.engine
    event.listen(engine, "after_cursor_execute", note)
    yield tables
    event.remove(engine, "after_cursor_execute", note)


def test_a_server_is_synced_and_a_second_time_writes_nothing_of_it(
    listener: Shelf, double: Double
) -> None:
    job = listener.sync()
    assert (job.status, job.failed) == ("completed", 0), job.error_message
    counts = {"songs": 60, "playlists": 2, "gone": 0, "unseen": 0, "liked": 3}
    assert job.result is not None
    assert {name: job.result[name] for name in counts} == counts
    with listener.runtime.database.reading() as session:
        mine = {"account_id": listener.account_id}
        assert likes.count(session, **mine) == 3
        assert [(p.name, p.size) for p in playlists.page(session, **mine)] == [
            ("Evening", 2), ("Way", 1),
        ]  # fmt: skip
    with written(listener) as tables:
        job = listener.sync()
    assert job.status == "completed"
    told = events_of(listener.runtime.log, jobs.ref_of(job))
    labels = {event.label for event in told if event.type == "item"}
    assert labels >= {"Song 0", "Evening", "Songs with a star"}
    assert tables <= {"jobs", "job_parts", "sources"}
    for song in double.songs.values():
        song["genre"] = "Jazz"
    double.starred.remove("so-1")
    with written(listener) as tables:
        assert listener.sync().result["liked"] == 2
    assert tables >= {"songs", "liked_songs"}


def test_songs_to_which_a_server_gives_new_ids_stay_the_same(
    listener: Shelf, double: Double
) -> None:
    listener.sync()

    def rows() -> dict[str, UUID]:
        with listener.runtime.database.reading() as session:
            found = session.execute(select(Song.title, Song.id).where(Song.present))
            return {title: song_id for title, song_id in found}  # noqa: C416

    before = rows()
    double.songs = {f"new-{key}": song | {"id": f"new-{key}"} for key, song in double.songs.items()}
    double.starred = ["new-so-1"]
    double.playlists["1"].songs = ["new-so-4", "new-so-5"]
    double.playlists["2"].songs = []
    job = listener.sync()
    assert (job.status, job.error_message) == ("completed", None)
    assert job.result is not None
    assert (job.result["moved"], job.result["gone"], job.result["liked"]) == (60, 0, 2)
    assert rows() == before
    assert listener.songs() == set(double.songs)


def test_a_server_that_is_suddenly_empty_loses_nothing(listener: Shelf, double: Double) -> None:
    listener.sync()
    whole = dict(double.songs)
    for kept in ({}, dict(list(whole.items())[:9])):
        double.songs, double.starred, double.playlists = kept, [], {}
        job = listener.sync()
        assert (job.status, job.error_code) == ("failed", "source_incomplete")
        assert job.error_message is not None
        assert "The music server 127.0.0.1" in job.error_message
        assert len(listener.songs()) == 60
    double.songs = whole
    double.playlists = {"1": Playlist("Evening", []), "2": Playlist("Way", [])}
    assert listener.sync().status == "completed"


@pytest.mark.parametrize("fault", [plain(b"<html>"), lambda _: failed(40, "no")])
def test_a_server_that_does_not_answer_fails_in_one_sentence(
    listener: Shelf, double: Double, fault: Any
) -> None:
    listener.sync()
    double.faults = {"search3": fault}
    job = listener.sync()
    assert (job.status, job.error_code) == ("failed", "source_unavailable")
    assert job.error_message is not None
    assert job.error_message.startswith("The music server 127.0.0.1")
    assert PASSWORD not in job.error_message
    assert len(listener.songs()) == 60


def test_a_playlist_that_cannot_be_read_fails_alone(listener: Shelf, double: Double) -> None:
    double.faults = {"getPlaylist": lambda said: failed(0, "no") if said["id"] == ["1"] else None}
    double.playlists["2"].songs.append("unknown")
    job = listener.sync()
    assert (job.status, job.failed) == ("completed", 2)
    assert {(item.item_kind, item.error) for item in listener.state(job).failed_items} == {
        ("playlist", "The server refuses this: no"),
        ("song", "The playlist “Way” names a song that is not in this source."),
    }
    with listener.runtime.database.reading() as session:
        found = playlists.page(session, account_id=listener.account_id)
        assert [playlist.name for playlist in found] == ["Way"]


def test_a_worker_hears_the_songs_of_a_server(pipelines: Pipelines) -> None:
    account_id = pipelines.account(None)
    sound = io.BytesIO()
    noise = np.random.default_rng(1).uniform(-0.2, 0.2, 22_050 * 6)
    soundfile.write(sound, noise, 22_050, format="OGG", subtype="VORBIS")
    double = Double.with_songs(3, sounds={"so-0": sound.getvalue(), "so-1": sound.getvalue()})
    database = pipelines.runtime.database
    with serving(double) as address:
        add_server(database, pipelines.settings, account_id, address)
        assert pipelines.run(account_id, "sync")[0].status == "completed"
        job, state, _ = pipelines.run(account_id, "analysis")
    assert (job.status, job.succeeded, job.failed) == ("completed", 2, 1)
    assert [item.error for item in state.failed_items] == ["The server has this song no more."]
    with database.reading() as session:
        heard = select(Song.external_id).join(Features, Features.song_id == Song.id)
        found = session.scalars(
            heard.where(Song.account_id == account_id).order_by(Song.external_id)
        )
        assert list(found) == ["so-0", "so-1"]
    folder = pipelines.settings.data_dir / "sound"
    assert len(list(folder.glob("*.ogg"))) == 2
