"""Fills a database with a library of a given size, for benchmarks and tests of queries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import insert
from sqlalchemy.orm import Session

from library import account_sources, accounts, models
from library.analysis import ANALYSER_VERSION
from library.database import Database
from library.timbre import TIMBRE_SIZE

_WORDS = str.split(
    "night harbour river glass early paper winter signal quiet northern stone ember violet "
    "distant summer engine garden hollow silver morning wooden iron lantern orchard tide"
)
_NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
_BATCH = 5_000
_RANKS = 3
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many songs, playlists, jobs and so on an account has."""

    songs: int = 50_000
    liked: int = 25_000
    playlists: int = 300
    entries_each: int = 100
    #: Songs with a proposal, each with three playlists.
    proposals: int = 20_000
    jobs: int = 2_000
    #: Failures of the newest job.
    failures: int = 5_000


@dataclass(frozen=True, slots=True)
class Seeded:
    """An account and ids of what it has, by the names that addresses have for them."""

    account_id: UUID
    email: str
    ids: dict[str, str]


def seed(database: Database, size: Size, *, password_hash: str, name: str = "listener") -> Seeded:
    """Fill a database with an account's library; the same one every time."""
    rng = random.Random(name)
    email = f"{name}@example.org"
    with database.session() as session:
        account = accounts.create(session, email=email, password_hash=password_hash)
        source = account_sources.add(
            session, account_id=account.id, location=f"/music/{name}", name="Music"
        )
        songs = [_id(rng) for _ in range(size.songs)]
        playlists = [_id(rng) for _ in range(size.playlists)]
        jobs = [_id(rng) for _ in range(size.jobs)]
        made = _Library(rng, account.id, source.id, songs, playlists, jobs, size)
        for model, rows in made.tables():
            _insert(session, model, rows)
    longest = {
        "job_id": str(jobs[-1]),
        "playlist_id": str(playlists[0]),
        "source_id": str(source.id),
        "song_id": str(songs[min(1, len(songs) - 1)]),
        "write_back_id": str(playlists[0]),
    }
    return Seeded(account.id, email, longest)


def _insert(session: Session, model: type[models.Base], rows: Iterator[Row]) -> None:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            session.execute(insert(model), batch)
            batch = []
    if batch:
        session.execute(insert(model), batch)


def _id(rng: random.Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


@dataclass(frozen=True, slots=True)
class _Library:
    rng: random.Random
    account_id: UUID
    source_id: UUID
    songs: list[UUID]
    playlists: list[UUID]
    jobs: list[UUID]
    size: Size

    def tables(self) -> Iterator[tuple[type[models.Base], Iterator[Row]]]:
        """The rows of each table, those that others name first."""
        yield models.Song, self._songs()
        yield models.LikedSong, self._liked()
        yield models.Features, self._features()
        yield models.Playlist, self._playlists()
        yield models.PlaylistEntry, self._entries()
        yield models.Job, self._jobs()
        yield models.ItemFailure, self._failures()
        yield models.Match, self._matches()
        yield models.WriteBack, self._write_backs()
        yield models.WrittenSong, self._written_songs()

    def _words(self, count: int) -> str:
        return " ".join(self.rng.choices(_WORDS, k=count)).title()

    def _songs(self) -> Iterator[Row]:
        for number, song_id in enumerate(self.songs):
            yield {
                "id": song_id,
                "account_id": self.account_id,
                "source_id": self.source_id,
                "external_id": f"{number // 1000}/{number // 12}/{number}.flac",
                "title": self._words(3),
                "artist": self._words(2),
                "album": self._words(3),
                "year": 1960 + number % 65,
                "size_bytes": 20_000_000 + number,
                "modified_ns": str(1_700_000_000_000_000_000 + number),
                "present": number % 100 != 0,
            }

    def _liked(self) -> Iterator[Row]:
        for song_id in self.songs[: self.size.liked]:
            yield {"account_id": self.account_id, "song_id": song_id}

    def _features(self) -> Iterator[Row]:
        """Nine songs of ten were heard, as they are now."""
        for number, song_id in enumerate(self.songs):
            if number % 10 == 0:
                continue
            yield {
                "song_id": song_id,
                "account_id": self.account_id,
                "analyser_version": ANALYSER_VERSION,
                "content_key": f"{20_000_000 + number}:{1_700_000_000_000_000_000 + number}",
                "tempo_bpm": 60 + number % 120,
                "tempo_confidence": 0.8,
                "loudness_lufs": -9.5 - number % 10,
                "key": "C minor",
                "key_confidence": 0.7,
                "duration_seconds": 200.0,
                "timbre": np.full(TIMBRE_SIZE, number % 7, dtype="<f4").tobytes(),
                "analysed_at": _NOW,
            }

    def _playlists(self) -> Iterator[Row]:
        for number, playlist_id in enumerate(self.playlists):
            yield {
                "id": playlist_id,
                "account_id": self.account_id,
                "source_id": self.source_id,
                "external_id": f"{number}.m3u8",
                "name": f"{self._words(2)} {number}",
            }

    def _entries(self) -> Iterator[Row]:
        """The first playlist has ten times as many songs as another."""
        for number, playlist_id in enumerate(self.playlists):
            count = self.size.entries_each * (1 if number else 10)
            for position, song_id in enumerate(self.rng.choices(self.songs, k=count)):
                yield {
                    "playlist_id": playlist_id,
                    "position": position,
                    "account_id": self.account_id,
                    "song_id": song_id,
                }

    def _jobs(self) -> Iterator[Row]:
        for number, job_id in enumerate(self.jobs):
            failed = self.size.failures if number == len(self.jobs) - 1 else 10
            at = _NOW - timedelta(minutes=10 * (len(self.jobs) - number))
            yield {
                "id": job_id,
                "account_id": self.account_id,
                "kind": models.JOB_KINDS[number % 3],
                "status": models.TERMINAL_STATUSES[number % 3],
                "attempt": 1,
                "created_at": at,
                "started_at": at,
                "finished_at": at + timedelta(minutes=5),
                "total": 90 + failed,
                "succeeded": 90,
                "failed": failed,
            }

    def _write_backs(self) -> Iterator[Row]:
        """One for each of a few playlists, with its id."""
        for number, playlist_id in enumerate(self.playlists[:10]):
            yield {
                "id": playlist_id,
                "account_id": self.account_id,
                "batch_id": playlist_id,
                "source_id": self.source_id,
                "playlist_identity": playlist_id,
                "playlist_name": f"{self._words(2)} {number}",
                "list_id": f"{number}.m3u8",
                "state": "written",
                "before_key": "0" * 64,
                "after_key": "1" * 64,
                "created_at": _NOW - timedelta(minutes=number),
                "written_at": _NOW,
            }

    def _written_songs(self) -> Iterator[Row]:
        for playlist_id in self.playlists[:10]:
            for position in range(min(2, len(self.songs))):
                yield {
                    "write_back_id": playlist_id,
                    "song_identity": self.songs[position],
                    "account_id": self.account_id,
                    "position": position,
                    "label": self._words(3),
                    "place": f"{position}.flac",
                    "state": "written",
                }

    def _failures(self) -> Iterator[Row]:
        for number in range(self.size.failures):
            yield {
                "account_id": self.account_id,
                "job_id": self.jobs[-1],
                "item_kind": "song",
                "item_id": f"{number // 12}/{number}.flac",
                "label": self._words(3),
                "reason": f"The playlist “{number % 40}” names a file that is not in the folder.",
                "failed_at": _NOW,
            }

    def _matches(self) -> Iterator[Row]:
        for song_id in self.songs[: self.size.proposals]:
            score = self.rng.uniform(0.4, 1)
            found = self.rng.sample(self.playlists, _RANKS)
            for rank, playlist_id in enumerate(found, 1):
                yield {
                    "account_id": self.account_id,
                    "song_id": song_id,
                    "playlist_id": playlist_id,
                    "job_id": self.jobs[0],
                    "score": score / rank,
                    "rank": rank,
                    "queue": "liked" if rank == 1 else None,
                    "reasons": ["Sounds much like it", "3 songs by Early Paper in it"],
                }
