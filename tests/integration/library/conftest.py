"""The same tests on both databases, each test with one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy.orm import Session

from library import account_sources, accounts, features, gone, playlists, songs
from library.database import Database
from library.listening import Listening
from library.models import Account, Playlist, Song, Source
from library.sources.records import SongRecord
from tests.integration.databases import MakeUrl

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

LISTENING = Listening(120.5, 0.9, -14.2, "C♯ minor", 0.8, 200.0, np.arange(67, dtype=np.float32))


@pytest.fixture
def empty_database(make_url: MakeUrl) -> Iterator[Database]:
    """A database without tables."""
    database = Database(make_url(False))
    yield database
    database.close()


@pytest.fixture
def database(make_url: MakeUrl) -> Iterator[Database]:
    """A database of the test's own, with all tables."""
    database = Database(make_url(True))
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with ExitStack() as stack:
        yield stack.enter_context(database.session())


@dataclass(frozen=True)
class Home:
    """An account with a source, and makers of what belongs to them."""

    session: Session
    account: Account
    source: Source

    @property
    def id(self) -> UUID:
        return self.account.id

    def song(self, name: str, **values: object) -> Song:
        record = SongRecord(external_id=name, **{"title": name, **values})  # type: ignore[arg-type]
        return songs.save(self.session, account_id=self.id, source_id=self.source.id, record=record)

    def heard(
        self,
        song: Song,
        *,
        version: int = 2,
        listening: Listening = LISTENING,
        content_key: str | None = None,
    ) -> None:
        """Have a song heard: as it is, or as it was when its content had a key."""
        (now,) = features.by_ids(self.session, account_id=self.id, song_ids=[song.id])
        features.save_features(
            self.session,
            account_id=self.id,
            song_id=song.id,
            content_key=content_key or now.content_key,
            listening=listening,
            analyser_version=version,
        )

    def lose(
        self, *, songs: Sequence[str] = (), playlists: Sequence[str] = (), now: datetime = NOW
    ) -> None:
        gone.mark(self.session, source_id=self.source.id, songs=songs, playlists=playlists, now=now)

    def playlist(self, name: str, *entries: Song) -> Playlist:
        return playlists.save(
            self.session,
            account_id=self.id,
            source_id=self.source.id,
            external_id=name,
            name=name,
            song_ids=[song.id for song in entries],
        )


@pytest.fixture
def make_home(session: Session, tmp_path: Path) -> Callable[[], Home]:
    def make() -> Home:
        account = accounts.create(session, email=f"{uuid4().hex}@example.org", password_hash="-")
        source = account_sources.add(
            session, account_id=account.id, location=str(tmp_path), name="Music"
        )
        return Home(session, account, source)

    return make


@pytest.fixture
def home(make_home: Callable[[], Home]) -> Home:
    return make_home()
