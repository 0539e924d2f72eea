"""Sources of an account: added once, changed, removed with what is in them, and brought back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from library import (
    account_sources,
    decisions,
    gone,
    holdings,
    likes,
    playlists,
    removed_sources,
    songs,
)
from library.errors import SourceRefused
from library.holdings import Holdings
from library.models import Decision, Playlist, Song, Source, utc_now
from library.sources.records import SongRecord
from tests.integration.library.conftest import NOW, Home


def add(home: Home, location: str, *names: str) -> Source:
    mine = {"account_id": home.id}
    made = account_sources.add(home.session, **mine, location=location, name=location)
    for name in names:
        songs.save(
            home.session, **mine, source_id=made.id, record=SongRecord(name, title=f"{name}!")
        )
    return made


def titles(home: Home) -> set[str]:
    return {song.title for song in songs.page(home.session, account_id=home.id)}


def test_a_place_is_a_source_once_and_another_place_is_another(home: Home) -> None:
    other = add(home, "/other")
    assert add(home, "/other") is other
    found = account_sources.of_account(home.session, account_id=home.id)
    assert found == [home.source, other]


def test_a_source_can_be_changed_and_not_to_where_another_is(home: Home) -> None:
    other = add(home, "/other")
    account_sources.change(home.session, source=other, location="/new", name="New")
    assert (other.location, other.name) == ("/new", "New")
    with pytest.raises(SourceRefused, match="You have a source"):
        account_sources.change(home.session, source=other, location=home.source.location, name="x")
    removed_sources.remove(home.session, source=home.source, now=NOW)
    with pytest.raises(SourceRefused, match=r"You removed the source .* add it again"):
        account_sources.change(home.session, source=other, location=home.source.location, name="x")


def test_an_account_has_so_many_sources_and_no_more(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_sources, "MOST_SOURCES", 2)
    other = add(home, "/other")
    with pytest.raises(SourceRefused, match="2 sources"):
        add(home, "/third")
    removed_sources.remove(home.session, source=other, now=NOW)
    add(home, "/third")
    for bring_back in (
        lambda: add(home, "/other"),
        lambda: account_sources.restore(home.session, source=other),
    ):
        with pytest.raises(SourceRefused):
            bring_back()


@pytest.mark.parametrize("way", ["restored", "added again"])
def test_what_is_removed_is_hidden_and_comes_back_as_it_was(home: Home, way: str) -> None:
    session, mine = home.session, {"account_id": home.id}
    home.song("here")
    other = add(home, "/other", "kept", "lost")
    other.secret = b"sealed"
    kept = session.scalar(select(Song).where(Song.external_id == "kept"))
    assert kept is not None
    home.heard(kept)
    likes.set_heart(session, **mine, song_id=kept.id, is_loved=True)
    mix = playlists.save(
        session, **mine, source_id=other.id, external_id="m", name="Mix", song_ids=[kept.id]
    )
    gone.mark(session, source_id=other.id, songs=["lost"], now=NOW - timedelta(days=3))
    session.flush()
    decisions_before = decide(session, home, kept, mix)
    before = holdings.of_account(session, **mine)
    assert before[other.id] == Holdings(songs=1, loved=1, playlists=1)
    details = holdings.details(session, **mine, source_id=other.id)
    assert (details.gone, details.decisions, details.soundless) == (1, 1, 0)

    removed_sources.remove(session, source=other, now=NOW)
    removed_sources.remove(session, source=other, now=NOW + timedelta(days=1))
    session.expire_all()
    assert titles(home) == {"here"}
    assert playlists.page(session, **mine) == []
    assert likes.count(session, **mine) == 0
    assert (other.removed_at, other.secret) == (NOW, None)
    assert account_sources.of_account(session, **mine) == [home.source]
    assert removed_sources.of_account(session, **mine) == [other]
    assert session.scalars(select(Decision.id)).all() == decisions_before

    if way == "restored":
        account_sources.restore(session, source=other)
    else:
        assert add(home, "/other") is other
    session.expire_all()
    assert titles(home) == {"here", "kept!"}  # and not what was gone before
    assert holdings.of_account(session, **mine) == before
    assert songs.counts(session, **mine) == (2, 1, 1)
    assert removed_sources.of_account(session, **mine) == []


def decide(session: Session, home: Home, song: Song, playlist: Playlist) -> list[UUID]:
    decisions.accept(session, account_id=home.id, song_id=song.id, playlist_id=playlist.id)
    return list(session.scalars(select(Decision.id)))


def test_what_a_sync_reads_of_a_source_while_it_is_removed_stays_hidden(home: Home) -> None:
    other = add(home, "/other", "a")
    removed_sources.remove(home.session, source=other, now=NOW)
    songs.save(
        home.session, account_id=home.id, source_id=other.id, record=SongRecord("b", title="B")
    )
    assert titles(home) == {"B"}
    removed_sources.settle(home.session, account_id=home.id)
    assert titles(home) == set()
    account_sources.restore(home.session, source=other)
    assert titles(home) == {"a!", "B"}


def test_a_source_that_was_purged_knows_its_songs_again(home: Home) -> None:
    other = add(home, "/other", "a")
    identity = home.session.scalar(select(Song.identity).where(Song.external_id == "a"))
    removed_sources.remove(home.session, source=other, now=NOW)
    gone.purge_songs(home.session, before=utc_now() + timedelta(days=9999), limit=10)
    assert home.session.scalars(select(Song.id)).all() == []
    account_sources.restore(home.session, source=add(home, "/other", "a"))
    assert home.session.scalar(select(Song.identity)) == identity


class TestFirstFolder:
    """The folder that whoever runs Earmark names at each start."""

    def locations(self, home: Home) -> list[str]:
        found = account_sources.of_account(home.session, account_id=home.id)
        return [source.location for source in found]

    def name(self, home: Home, location: str) -> None:
        account_sources.set_first_folder(
            home.session, account_id=home.id, location=location, name="x"
        )

    def test_it_takes_the_place_of_the_one_that_was_named_before(self, home: Home) -> None:
        add(home, "/added")
        self.name(home, "/first")
        assert self.locations(home) == ["/first", "/added"]
        self.name(home, "/added")
        assert self.locations(home) == ["/first", "/added"]

    def test_one_that_was_removed_stays_so_and_another_is_added(self, home: Home) -> None:
        self.name(home, "/first")
        removed_sources.remove(home.session, source=home.source, now=NOW)
        self.name(home, "/first")
        assert self.locations(home) == []
        self.name(home, "/second")
        assert self.locations(home) == ["/second"]
