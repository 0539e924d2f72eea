"""The tables. Their constraints hold the rules, so that no code path can break them.

Every row belongs to an account. References between rows carry the account along, so that a
row of one account can never point to a row of another.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

JOB_KINDS = ("sync", "analysis", "matching")
ACTIVE_STATUSES = ("pending", "running", "retrying")
TERMINAL_STATUSES = ("completed", "failed", "cancelled")

VERDICTS = ("accepted", "rejected")

_ACTIVE_SQL = "status IN ('pending', 'running', 'retrying')"


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, aware also where the database (SQLite) keeps no offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no offset; keep UTC."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs an offset, such as datetime.now(UTC)")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, said."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The root of the tables; names every constraint, so that migrations can."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - as SQLAlchemy reads it
        datetime: Moment,
        dict[str, Any]: JSON,
        list[str]: JSON,
    }


def _within_account(local: str, remote: str) -> ForeignKeyConstraint:
    """A reference to a row of the same account, at whose end this one ends too."""
    return ForeignKeyConstraint(
        ["account_id", local], [f"{remote}.account_id", f"{remote}.id"], ondelete="CASCADE"
    )


def _to_a_job(local: str) -> ForeignKeyConstraint:
    """A reference to a job of the same account, which holds the job as long as it is there.

    Looked at when the transaction ends: the end of an account takes both rows, in either order.
    Not ON DELETE SET NULL, which would empty the account's column along with the job's.
    """
    return ForeignKeyConstraint(
        ["account_id", local],
        ["jobs.account_id", "jobs.id"],
        deferrable=True,
        initially="DEFERRED",
    )


def _where_known(name: str, *columns: str, unique: bool = False) -> Index:
    """An index over the rows that have a value in the last of these columns."""
    known = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, unique=unique, sqlite_where=known, postgresql_where=known)


def _account() -> Mapped[UUID]:
    return mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))


class Account(Base):
    """A person who signs in."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index(
            "ix_accounts_one_owner",
            "is_owner",
            unique=True,
            sqlite_where=text("is_owner"),
            postgresql_where=text("is_owner"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    #: Read by the release before sessions were rows, which ends sessions of another version.
    session_version: Mapped[int] = mapped_column(default=1)
    #: Whether it is the installation's owner, who may invite others. There is at most one.
    is_owner: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class BrowserSession(Base):
    """A browser that is signed in to an account."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_account_id_last_seen_at", "account_id", "last_seen_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = _account()
    #: SHA-256 of the token in its cookie: whoever reads the table cannot sign in with it.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: When it last asked for a page, to the hour.
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    #: What the browser calls itself.
    user_agent: Mapped[str] = mapped_column(String(200), default="")


class Invite(Base):
    """Leave to make one account, given by another."""

    __tablename__ = "invites"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    #: Who gave it.
    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    #: SHA-256 of the token in its link.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Source(Base):
    """Where an account's music is: a folder."""

    __tablename__ = "sources"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "location"),
        UniqueConstraint("account_id", "id"),
        CheckConstraint("kind IN ('folder')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = _account()
    kind: Mapped[str] = mapped_column(String(20), default="folder")
    #: A folder's absolute path.
    location: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: The location that the newest completed sync read. It differs from `location` where another
    #: folder was chosen since then.
    synced_location: Mapped[str | None]
    synced_at: Mapped[datetime | None]


class _FoundAgain:
    """The columns by which a sync finds a renamed file, or one that was gone, again.

    All are empty in rows that an earlier version wrote.
    """

    #: Decisions name a song or a playlist by it. It is made of the source and the first external
    #: id, so a row made anew after a purge has the same; it stays when the external id changes.
    identity: Mapped[UUID | None]
    #: The file's device and inode, as text: the numbers are wider than some databases' integers.
    #: A device's number changes when it is mounted again.
    device: Mapped[str | None] = mapped_column(String(20))
    inode: Mapped[str | None] = mapped_column(String(20))
    #: Since when the source has it no longer. It is shown nowhere, and kept for a time.
    gone_at: Mapped[datetime | None]


class Song(_FoundAgain, Base):
    """One piece of music in a source."""

    __tablename__ = "songs"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        UniqueConstraint("account_id", "id"),
        _within_account("source_id", "sources"),
        Index("ix_songs_account_id_title_id", "account_id", "title", "id"),
        # A search on SQLite reads this alone, instead of every row. PostgreSQL reads the rows as
        # fast, and takes no entry of 2.7 KB into an index.
        Index(
            "ix_songs_search",
            "account_id",
            "title",
            "id",
            "search_text",
            sqlite_where=text("present = 1"),
        ).ddl_if(dialect="sqlite"),
        _where_known("ix_songs_account_id_identity", "account_id", "identity", unique=True),
        _where_known("ix_songs_account_id_audio_key", "account_id", "audio_key"),
        _where_known("ix_songs_gone_at", "gone_at"),
        # Counting and joining the songs that are there reads this index alone.
        Index(
            "ix_songs_present",
            "account_id",
            "id",
            sqlite_where=text("present = 1"),
            postgresql_where=text("present"),
        ),
        Index(
            "ix_songs_gone",
            "account_id",
            "id",
            sqlite_where=text("present = 0"),
            postgresql_where=text("NOT present"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID]
    source_id: Mapped[UUID]
    #: The source's own name for it: of a folder, the path relative to the root.
    external_id: Mapped[str]
    title: Mapped[str]
    artist: Mapped[str | None]
    album: Mapped[str | None]
    album_artist: Mapped[str | None]
    genre: Mapped[str | None]
    year: Mapped[int | None]
    track_number: Mapped[int | None]
    duration_seconds: Mapped[float | None]
    #: Wider than four bytes: a recording of hours is larger than 2 GiB.
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    #: Nanoseconds since 1970, as text: wider than some databases' integers.
    modified_ns: Mapped[str | None] = mapped_column(String(20))
    #: Names the sound alone, whatever the tags and the file's name say.
    audio_key: Mapped[str | None] = mapped_column(String(64))
    #: Title, artist and album as a search compares them (`songs.searchable`).
    search_text: Mapped[str] = mapped_column(default="", server_default="")
    #: False once the source has it no longer.
    present: Mapped[bool] = mapped_column(default=True)


class Playlist(_FoundAgain, Base):
    """A playlist that the person keeps. It is there as long as `gone_at` is empty."""

    __tablename__ = "playlists"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        UniqueConstraint("account_id", "id"),
        _within_account("source_id", "sources"),
        _where_known("ix_playlists_account_id_identity", "account_id", "identity", unique=True),
        _where_known("ix_playlists_gone_at", "gone_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID]
    source_id: Mapped[UUID]
    external_id: Mapped[str]
    name: Mapped[str]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    #: Nanoseconds since 1970, as text.
    modified_ns: Mapped[str | None] = mapped_column(String(20))
    #: Names the file's content.
    content_key: Mapped[str | None] = mapped_column(String(64))


class PlaylistEntry(Base):
    """A song's place in a playlist."""

    __tablename__ = "playlist_entries"
    __table_args__ = (
        _within_account("playlist_id", "playlists"),
        _within_account("song_id", "songs"),
        CheckConstraint("position >= 0", name="position"),
        Index("ix_playlist_entries_song_id", "song_id"),
    )

    playlist_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: 0 for the first.
    position: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    song_id: Mapped[UUID]


class LikedSong(Base):
    """A song the person loves."""

    __tablename__ = "liked_songs"
    __table_args__ = (_within_account("song_id", "songs"),)

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    song_id: Mapped[UUID] = mapped_column(primary_key=True)
    liked_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: The external id of the list that says so. A list that cannot be read takes no song back.
    said_by: Mapped[str | None]


class Features(Base):
    """What listening to a song found."""

    __tablename__ = "features"
    __table_args__ = (
        _within_account("song_id", "songs"),
        # Counted without reading what was heard.
        Index("ix_features_account_id_song_id", "account_id", "song_id"),
    )

    song_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    #: The version of the analyser that heard the file; a newer one hears it again.
    analyser_version: Mapped[int]
    #: Names the file's content as it was heard; a changed file is heard again.
    content_key: Mapped[str]
    tempo_bpm: Mapped[float]
    tempo_confidence: Mapped[float]
    loudness_lufs: Mapped[float]
    key: Mapped[str | None] = mapped_column(String(10))
    key_confidence: Mapped[float]
    duration_seconds: Mapped[float]
    #: Little-endian float32.
    timbre: Mapped[bytes] = mapped_column(LargeBinary)
    analysed_at: Mapped[datetime] = mapped_column(default=utc_now)


class Job(Base):
    """One run of a pipeline. The truth about its status."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        UniqueConstraint("account_id", "idempotency_key"),
        _to_a_job("retry_of"),
        CheckConstraint(f"kind IN {JOB_KINDS}", name="kind"),
        CheckConstraint(f"status IN {ACTIVE_STATUSES + TERMINAL_STATUSES}", name="status"),
        CheckConstraint("attempt >= 0", name="attempt"),
        CheckConstraint(f"({_ACTIVE_SQL}) = (finished_at IS NULL)", name="finished_when_terminal"),
        CheckConstraint(
            "succeeded >= 0 AND failed >= 0 AND (total IS NULL OR total >= succeeded + failed)",
            name="counts",
        ),
        Index(
            "ix_jobs_one_active",
            "account_id",
            "kind",
            unique=True,
            sqlite_where=text(_ACTIVE_SQL),
            postgresql_where=text(_ACTIVE_SQL),
        ),
        Index("ix_jobs_account_id_created_at_id", "account_id", "created_at", "id"),
        # A job that is purged is looked for in all that may refer to it.
        _where_known("ix_jobs_retry_of", "retry_of"),
        _where_known("ix_jobs_finished_at", "finished_at"),
        Index(
            "ix_jobs_active",
            "created_at",
            sqlite_where=text(_ACTIVE_SQL),
            postgresql_where=text(_ACTIVE_SQL),
        ),
    )

    #: Equal to the Celery id of its root task.
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = _account()
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20), default="pending")
    #: 0 until a worker takes it up.
    attempt: Mapped[int] = mapped_column(default=0)
    #: Attempts of which the worker was lost.
    losses: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    #: The job whose remaining work this one does.
    retry_of: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    #: A retry waits until then; nobody takes the job for lost before.
    lease_expires_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    total: Mapped[int | None]
    succeeded: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None]

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.status in ACTIVE_STATUSES


class ItemFailure(Base):
    """An item of a job that did not work, in the job's newest attempt."""

    __tablename__ = "item_failures"
    __table_args__ = (
        _within_account("job_id", "jobs"),
        UniqueConstraint("job_id", "item_kind", "item_id"),
        Index("ix_item_failures_job_id_id", "job_id", "id"),
        Index("ix_item_failures_job_id_reason_id", "job_id", "reason", "id"),
    )

    #: Its place in the list: later failures have larger ones.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    account_id: Mapped[UUID]
    job_id: Mapped[UUID]
    item_kind: Mapped[str] = mapped_column(String(40))
    item_id: Mapped[str] = mapped_column(String(200))
    label: Mapped[str | None] = mapped_column(String(300))
    #: Why, in words fit for the person whose job it is.
    reason: Mapped[str] = mapped_column(String(300))
    failed_at: Mapped[datetime]


class JobPart(Base):
    """A part of a job that is shared out: where in the order of the songs' ids it ends.

    It begins after the part before it. The song need not be there any more.
    """

    __tablename__ = "job_parts"
    __table_args__ = (_within_account("job_id", "jobs"),)

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    #: From 0.
    number: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    through_song_id: Mapped[UUID]


class Match(Base):
    """A playlist proposed for a song."""

    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("song_id", "playlist_id"),
        _within_account("song_id", "songs"),
        _within_account("playlist_id", "playlists"),
        _to_a_job("job_id"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
        CheckConstraint("rank >= 1", name="rank"),
        # Of the whole references: without them, each song that is deleted has all proposals of its
        # account looked through.
        Index("ix_matches_account_id_song_id", "account_id", "song_id"),
        Index("ix_matches_account_id_playlist_id", "account_id", "playlist_id"),
        # With the song's id last: a page of proposals begins where the last one ended.
        Index("ix_matches_account_id_rank_score_song_id", "account_id", "rank", "score", "song_id"),
        _where_known("ix_matches_job_id", "job_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID]
    song_id: Mapped[UUID]
    playlist_id: Mapped[UUID]
    job_id: Mapped[UUID | None]
    #: 0…1: how sure the proposal is.
    score: Mapped[float]
    #: 1 for the best playlist for the song.
    rank: Mapped[int]
    #: Short sentences for the person.
    reasons: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Decision(Base):
    """A person's accept or reject of a proposal. It lives as long as the account.

    It refers to no song, playlist or job, which come and go: it knows the two by their identity,
    and has the words to show where they are gone.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("account_id", "song_identity", "playlist_identity"),
        CheckConstraint(f"verdict IN {VERDICTS}", name="verdict"),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = _account()
    song_identity: Mapped[UUID]
    playlist_identity: Mapped[UUID]
    verdict: Mapped[str] = mapped_column(String(20))
    #: The person's own, if they gave one.
    reason: Mapped[str | None]
    #: 0…1: how sure the proposal was.
    score: Mapped[float | None]
    #: Which matcher proposed it.
    model_version: Mapped[str | None] = mapped_column(String(60))
    song_label: Mapped[str]
    playlist_name: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(default=utc_now)
