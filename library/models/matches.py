"""The tables of matching: what is proposed, and what the person decided."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, account_column, to_a_job, utc_now, where_known, within_account

VERDICTS = ("accepted", "rejected")
#: Where a song waits for a decision: among the loved ones that are in no playlist, among the others
#: in none, among those that look misplaced where they are, or put off for later.
QUEUES = ("liked", "other", "misplaced", "later")


class Match(Base):
    """A playlist proposed for a song, as long as the person has not decided about the two."""

    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("song_id", "playlist_id"),
        within_account("song_id", "songs"),
        within_account("playlist_id", "playlists"),
        to_a_job("job_id"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
        CheckConstraint("rank >= 1", name="rank"),
        # Indexes over the whole references: without them a database looks through all proposals of
        # the account for each song that is deleted.
        Index("ix_matches_account_id_song_id", "account_id", "song_id"),
        # With the song's id last: a page of proposals begins where the last one ended.
        Index(
            "ix_matches_account_id_playlist_id_score_song_id",
            "account_id",
            "playlist_id",
            "score",
            "song_id",
        ),
        Index(
            "ix_matches_account_id_queue_score_song_id", "account_id", "queue", "score", "song_id"
        ),
        where_known("ix_matches_job_id", "job_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID]
    song_id: Mapped[UUID]
    playlist_id: Mapped[UUID]
    job_id: Mapped[UUID | None]
    #: 0…1: the calibrated probability that the person would put the song there.
    score: Mapped[float]
    #: 1 for the best playlist for the song.
    rank: Mapped[int]
    #: Which queue the song waits in, one of `QUEUES`. Only a song's best proposal has one.
    queue: Mapped[str | None] = mapped_column(String(10))
    #: Which matcher proposed it.
    model_version: Mapped[str | None] = mapped_column(String(60))
    #: Short sentences for the person.
    reasons: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Decision(Base):
    """A person's accept or reject of a proposal. It lives as long as the account.

    It refers to no song, playlist or job, which come and go: it knows the two by their identity,
    and has the words to show where they are gone. One that was undone stays, marked so.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("account_id", "song_identity", "playlist_identity"),
        CheckConstraint(f"verdict IN {VERDICTS}", name="verdict"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
        Index("ix_decisions_account_id_decided_at_id", "account_id", "decided_at", "id"),
        where_known("ix_decisions_account_id_batch_id", "account_id", "batch_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = account_column()
    song_identity: Mapped[UUID]
    playlist_identity: Mapped[UUID]
    verdict: Mapped[str] = mapped_column(String(20))
    #: The person's own, if they gave one.
    reason: Mapped[str | None]
    #: The matcher's, as they were shown.
    reasons: Mapped[list[str] | None]
    #: 0…1: how sure the proposal was; None where the person chose a playlist of their own accord.
    score: Mapped[float | None]
    #: Which matcher proposed it.
    model_version: Mapped[str | None] = mapped_column(String(60))
    song_label: Mapped[str]
    playlist_name: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: When the person took it back. Such a decision counts no more.
    undone_at: Mapped[datetime | None]
    #: The same for all that were made by one act.
    batch_id: Mapped[UUID | None]
