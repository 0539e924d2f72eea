"""The sources of a job's account, opened by their kinds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from library import account_sources
from library.database import Database
from library.errors import SourceIncomplete, SourceUnavailable
from library.sources.kinds import kind_of
from library.sources.source import Installation, MusicSource, SourceRow
from progress.errors import JobFailure

from .settings import Settings


class SourceFailure(JobFailure):
    """A source that cannot be read, or is not what it was: the job fails in its words."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code)
        #: The item that the job was at, if it was at one: kind, id and label.
        self.item: tuple[str, object, str] | None = None


class SourceRemoved(SourceFailure):
    """A source that its person removed while a job was at the account's music."""

    def __init__(self) -> None:
        super().__init__("This source was removed.", code="source_removed")


@dataclass(slots=True)
class Sources:
    """An account's sources, each opened when it is first asked for. Close it when done."""

    database: Database
    settings: Settings
    account_id: UUID
    _open: dict[UUID, MusicSource] = field(default_factory=dict)

    def rows(self, only: UUID | None = None) -> list[tuple[SourceRow, str]]:
        """What is kept of each, the oldest first, with its kind; of one alone if it is named.

        Raises:
            JobFailure: the account has none, or not that one.
        """
        with self.database.reading() as session:
            mine = account_sources.of_account(session, account_id=self.account_id)
            found = [(account_sources.row_of(source), source.kind) for source in mine]
        if only is not None:
            found = [row for row in found if row[0].id == only]
        if not found:
            raise JobFailure("No source of music has been added yet.", code="no_source")
        return found

    def open(self, source_id: UUID) -> MusicSource:
        """One of them.

        Raises:
            SourceFailure: it cannot be opened.
            SourceRemoved: its person removed it meanwhile.
        """
        music = self._open.get(source_id)
        if music is None:
            with failing_with_the_source():
                music = self._opened(source_id)
            self._open[source_id] = music
        return music

    def _opened(self, source_id: UUID) -> MusicSource:
        with self.database.reading() as session:
            found = account_sources.get(session, account_id=self.account_id, source_id=source_id)
        if found is None or found.removed_at is not None:
            raise SourceRemoved
        return kind_of(found.kind).open(account_sources.row_of(found), installation(self.settings))

    def __enter__(self) -> Self:
        """The sources themselves; they are closed with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        for music in self._open.values():
            music.close()
        self._open.clear()


def installation(settings: Settings) -> Installation:
    """What kinds of sources may know of an installation with these settings."""
    return Installation(
        data_dir=settings.data_dir,
        roots=settings.roots if settings.music_roots else None,
        secret_key=settings.secret_key,
        private_servers=settings.private_servers,
        sound_cache_bytes=settings.sound_cache_mb * 1024**2,
    )


@contextmanager
def reading(music: MusicSource, name: str) -> Iterator[None]:
    """A block that reads a song. Where its source or disk went away, that fails and no song."""
    try:
        yield
    except JobFailure:
        raise
    except Exception:
        with failing_with_the_source():
            music.check(name)
        raise


@contextmanager
def failing_with_the_source() -> Iterator[None]:
    """A block whose job fails where a source is not there, or not as it was."""
    try:
        yield
    except SourceUnavailable as error:
        raise SourceFailure(str(error), code="source_unavailable") from error
    except SourceIncomplete as error:
        raise SourceFailure(str(error), code="source_incomplete") from error
