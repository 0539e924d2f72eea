"""Of songs that are the same one is shown, with all that was said of them, whatever came first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from library import account_sources, accounts, decisions, giving_way, gone, likes, playlists, songs
from library.database import Database
from library.models import Decision, Playlist, PlaylistEntry, Song
from library.sources.records import SongRecord
from tests.integration.databases import MakeUrl

from .conftest import NOW

RAIN = "Rain"


class Library:
    """An account's library, to which sources tell things as a sync does."""

    def __init__(self, session: Session) -> None:
        self.session = session
        account = accounts.create(session, email=f"{uuid4().hex}@x.org", password_hash="-")
        self.id = account.id
        self._sources: dict[str, UUID] = {}
        self._lists: dict[str, UUID] = {}

    def source(self, name: str) -> UUID:
        if name not in self._sources:
            kind = "folder" if name == "folder" else "export"
            made = account_sources.add(
                self.session, account_id=self.id, location=name, name=name, kind=kind
            )
            self._sources[name] = made.id
        return self._sources[name]

    def tell(self, name: str, titles: set[str], loved: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """Have a source hold these songs, in a playlist, and love some of them."""
        source, is_file = self.source(name), name == "folder"
        names = {title: f"{name}/{title}" for title in titles}
        known = songs.ids_by_external(self.session, source_id=source)
        over = [one for one in known if one not in names.values()]
        for title, external_id in names.items():
            record = SongRecord(external_id, title, "Ann", duration_seconds=200, has_sound=is_file)
            songs.save(self.session, account_id=self.id, source_id=source, record=record)
        gone.mark(self.session, source_id=source, songs=over, now=NOW)
        ids = songs.ids_by_external(self.session, source_id=source)
        kept = playlists.save(
            self.session,
            account_id=self.id,
            source_id=source,
            external_id=f"{name}.m3u",
            name=name,
            song_ids=[ids[names[title]] for title in sorted(titles)],
        )
        self._lists[name] = kept.id
        likes.replace(
            self.session,
            account_id=self.id,
            source_id=source,
            song_ids=[ids[names[title]] for title in loved & titles],
        )

    def settle(self) -> None:
        giving_way.settle(self.session, account_id=self.id)
        self.session.expire_all()

    def shown(self) -> dict[str, Song]:
        """What is shown, by title; each title at most once."""
        mine = select(Song).where(Song.account_id == self.id, Song.present)
        found = list(self.session.scalars(mine))
        assert len({song.title for song in found}) == len(found), [song.title for song in found]
        return {song.title: song for song in found}

    def listed(self, name: str) -> list[tuple[str, bool]]:
        """The titles in a source's playlist, and whether each is shown."""
        query = (
            select(Song.title, Song.present)
            .join(PlaylistEntry, PlaylistEntry.song_id == Song.id)
            .where(PlaylistEntry.playlist_id == self._lists[name])
            .order_by(PlaylistEntry.position)
        )
        return [(title, present) for title, present in self.session.execute(query)]

    def list_of(self, name: str) -> UUID:
        return self._lists[name]

    def identity(self, playlist_id: UUID) -> UUID | None:
        return self.session.scalar(select(Playlist.identity).where(Playlist.id == playlist_id))

    def decisions(self) -> list[Decision]:
        return list(self.session.scalars(select(Decision).where(Decision.account_id == self.id)))

    def loved(self) -> set[str]:
        """The titles that are shown and loved."""
        ids = likes.ids(self.session, account_id=self.id)
        return {title for title, song in self.shown().items() if song.id in ids}


@pytest.fixture
def library(session: Session) -> Library:
    return Library(session)


def test_a_song_without_sound_gives_way_to_the_file_when_that_comes(library: Library) -> None:
    library.tell("one", {"Rain", "Snow"}, {"Rain"})
    library.settle()
    before = library.shown()["Rain"]
    assert not before.has_sound
    likes.set_heart(library.session, account_id=library.id, song_id=before.id, is_loved=True)
    library.tell("folder", {"Rain"})
    library.settle()
    after = library.shown()
    assert after["Rain"].has_sound
    assert not after["Snow"].has_sound
    assert library.listed("one") == [("Rain", True), ("Snow", True)]
    assert likes.hearts(library.session, account_id=library.id, song_ids=[after["Rain"].id])
    assert library.loved() == {"Rain"}
    assert likes.count(library.session, account_id=library.id) == 1


def test_to_settle_what_is_settled_writes_nothing(library: Library) -> None:
    library.tell("one", {"Rain", "Snow"}, {"Rain"})
    library.tell("folder", {"Rain"})
    library.settle()
    written = []

    def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith("SELECT") and cursor.rowcount > 0:
            written.append(statement)

    connection = library.session.connection()
    event.listen(connection, "after_cursor_execute", note)
    assert giving_way.settle(library.session, account_id=library.id) == (1, 1)
    assert not written


def test_the_newer_of_two_decisions_is_shown_and_the_older_is_kept(library: Library) -> None:
    library.tell("one", {"Rain"})
    library.tell("folder", {"Snow"})
    library.settle()
    session, into = library.session, library.list_of("folder")
    silent = library.shown()["Rain"]
    decisions.accept(session, account_id=library.id, song_id=silent.id, playlist_id=into)
    early = update(Decision).where(Decision.account_id == library.id)
    session.execute(early.values(decided_at=datetime(2026, 1, 1, tzinfo=UTC)))
    # The file comes, and is decided about before anything is settled.
    library.tell("folder", {"Snow", "Rain"})
    file = session.scalars(select(Song).where(Song.title == "Rain", Song.has_sound)).one()
    decisions.reject(session, account_id=library.id, song_id=file.id, playlist_id=into)
    for _ in range(2):
        library.settle()
        said = dict(session.execute(select(Decision.song_identity, Decision.verdict)).all())
        assert said == {file.identity: "rejected", silent.identity: "accepted"}
    # The file goes: what is shown again has the newer one.
    library.tell("folder", {"Snow"})
    library.settle()
    said = dict(session.execute(select(Decision.song_identity, Decision.verdict)).all())
    assert said == {silent.identity: "rejected", file.identity: "accepted"}


def test_a_file_that_another_replaces_leaves_it_what_was_said_of_it(library: Library) -> None:
    library.tell("one", {"Rain"})
    library.tell("folder", {"Rain"})
    library.settle()
    session, into = library.session, library.list_of("folder")
    before = library.shown()["Rain"]
    decisions.accept(session, account_id=library.id, song_id=before.id, playlist_id=into)
    other = SongRecord("folder/Rain.flac", "Rain", "Ann", duration_seconds=201)
    source = library.source("folder")
    songs.save(session, account_id=library.id, source_id=source, record=other)
    gone.mark(session, source_id=source, songs=["folder/Rain"], now=NOW)
    library.settle()
    after = library.shown()["Rain"]
    assert after.external_id == "folder/Rain.flac"
    assert [row.song_identity for row in library.decisions()] == [after.identity]


def test_what_another_account_has_is_left_alone(session: Session) -> None:
    mine, others = Library(session), Library(session)
    others.tell("folder", {"Rain"})
    mine.tell("one", {"Rain"})
    others.settle()
    mine.settle()
    assert not mine.shown()["Rain"].has_sound
    assert others.shown()["Rain"].has_sound


def test_what_is_shown_for_another_is_not_purged_as_gone(library: Library) -> None:
    library.tell("one", {"Rain"})
    library.tell("folder", {"Rain"})
    library.settle()
    assert gone.settle(library.session, now=NOW) == 0
    assert gone.purge_songs(library.session, before=NOW + timedelta(days=99), limit=9) == 0


@dataclass
class Model:
    """What a library is to be, whatever the order in which it came to that. Of one song."""

    library: Library
    has: dict[str, bool] = field(default_factory=dict)
    loves: dict[str, bool] = field(default_factory=dict)
    is_hearted: bool = False
    #: The newest verdict about each playlist.
    decided: dict[UUID, str] = field(default_factory=dict)
    made: set[UUID] = field(default_factory=set)

    def do(self, step: tuple[str, str, bool, bool]) -> None:
        what, name, yes, loved = step
        shown = self.library.shown().get(RAIN)
        if what == "tell":
            self.has[name], self.loves[name] = yes, yes and loved
            self.library.tell(name, {RAIN} if yes else set(), {RAIN} if loved else set())
            self.library.settle()
        elif shown is not None and what == "heart":
            self.is_hearted = yes
            mine = {"account_id": self.library.id, "song_id": shown.id}
            likes.set_heart(self.library.session, **mine, is_loved=yes)
        elif shown is not None and name in self.has:
            mine = {"account_id": self.library.id, "song_id": shown.id}
            into = self.library.list_of(name)
            act = decisions.accept if yes else decisions.reject
            made = act(self.library.session, **mine, playlist_id=into)
            assert made is not None
            self.made.add(made.id)
            self.decided[into] = "accepted" if yes else "rejected"

    def require(self) -> None:
        """Hold the library to it."""
        shown = self.library.shown().get(RAIN)
        assert (shown is not None) == any(self.has.values())
        for name, is_there in self.has.items():
            if name != "folder":
                assert self.library.listed(name) == [(RAIN, True)] * is_there
        rows = self.library.decisions()
        assert {row.id for row in rows} == self.made
        if shown is None:
            return
        assert shown.has_sound == self.has.get("folder", False)
        is_loved = any(self.loves.values()) or self.is_hearted
        assert self.library.loved() == ({RAIN} if is_loved else set())
        said = {
            row.playlist_identity: row.verdict
            for row in rows
            if row.song_identity == shown.identity
        }
        assert said == {
            self.library.identity(into): verdict for into, verdict in self.decided.items()
        }


_steps = st.tuples(
    st.sampled_from(["tell", "tell", "heart", "decide", "decide"]),
    st.sampled_from(["folder", "folder", "one", "other"]),
    st.booleans(),
    st.booleans(),
)


@pytest.fixture(scope="module")
def one_database(make_sqlite: MakeUrl) -> Iterator[Database]:
    database = Database(make_sqlite(True))
    yield database
    database.close()


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(steps=st.lists(_steps, min_size=14, max_size=18))
def test_whatever_the_order_what_is_shown_and_said_is_the_same(
    one_database: Database, steps: list[tuple[str, str, bool, bool]]
) -> None:
    with one_database.session() as session:
        model = Model(Library(session))
        for step in steps:
            model.do(step)
            model.require()
