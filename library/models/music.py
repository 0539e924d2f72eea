"""The tables of music: the songs and playlists, what the person loves and what was heard."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, utc_now, where_known, within_account


class FoundAgain:
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


class Song(FoundAgain, Base):
    """One piece of music in a source."""

    __tablename__ = "songs"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        UniqueConstraint("account_id", "id"),
        within_account("source_id", "sources"),
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
        where_known("ix_songs_account_id_identity", "account_id", "identity", unique=True),
        where_known("ix_songs_account_id_artist", "account_id", "artist"),
        where_known("ix_songs_account_id_audio_key", "account_id", "audio_key"),
        where_known("ix_songs_gone_at", "gone_at"),
        where_known("ix_songs_account_id_shown_as", "account_id", "shown_as"),
        # Counting and joining the songs that are there reads this index alone.
        Index(
            "ix_songs_present",
            "account_id",
            "id",
            sqlite_where=text("present = 1"),
            postgresql_where=text("present"),
        ),
        Index(
            "ix_songs_without_sound",
            "account_id",
            "id",
            sqlite_where=text("has_sound = 0"),
            postgresql_where=text("NOT has_sound"),
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
    #: As it is shown; several are divided by commas.
    artist: Mapped[str | None]
    #: Each by itself, where they are several; NULL where `artist` is the one.
    artists: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    album: Mapped[str | None]
    album_artist: Mapped[str | None]
    genre: Mapped[str | None]
    #: The year of the first publication, where that is known.
    year: Mapped[int | None]
    track_number: Mapped[int | None]
    #: 0 to 5, as the file's tags say.
    rating_stars: Mapped[float | None]
    duration_seconds: Mapped[float | None]
    #: Wider than four bytes: a recording of hours is larger than 2 GiB.
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    #: Nanoseconds since 1970, as text: wider than some databases' integers.
    modified_ns: Mapped[str | None] = mapped_column(String(20))
    #: International Standard Recording Code, and the recording's id at MusicBrainz.
    isrc: Mapped[str | None] = mapped_column(String(12))
    recording_mbid: Mapped[str | None] = mapped_column(String(36))
    #: Names the sound alone, whatever the tags and the file's name say.
    audio_key: Mapped[str | None] = mapped_column(String(64))
    #: The names it had before, the newest last, by which playlists may still name it.
    former_names: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    #: Title, artist and album as a search compares them (`songs.searchable`).
    search_text: Mapped[str] = mapped_column(default="", server_default="")
    #: Whether it is shown: false once the source has it no longer, and where another one is shown.
    present: Mapped[bool] = mapped_column(default=True)
    #: The song that is shown in its place, since it is the same one (`library.giving_way`).
    shown_as: Mapped[UUID | None]
    #: False where the source has no sound for it, such as a service's export of names.
    has_sound: Mapped[bool] = mapped_column(default=True, server_default=true())


class Playlist(FoundAgain, Base):
    """A playlist that the person keeps. It is there as long as `gone_at` is empty."""

    __tablename__ = "playlists"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        UniqueConstraint("account_id", "id"),
        within_account("source_id", "sources"),
        where_known("ix_playlists_account_id_identity", "account_id", "identity", unique=True),
        where_known("ix_playlists_gone_at", "gone_at"),
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
        within_account("playlist_id", "playlists"),
        within_account("song_id", "songs"),
        CheckConstraint("position >= 0", name="position"),
        Index("ix_playlist_entries_song_id", "song_id"),
    )

    playlist_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: 0 for the first.
    position: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    song_id: Mapped[UUID]
    #: The song that the list names, where another one is shown in its place or was.
    named_id: Mapped[UUID | None]


class MissingEntry(Base):
    """A place in a playlist that names no song which is there.

    It may have a `PlaylistEntry` of the same position beside it, of a song that is gone.
    """

    __tablename__ = "missing_entries"
    __table_args__ = (within_account("playlist_id", "playlists"),)

    playlist_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: 0 for the first, counted together with the entries.
    position: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    #: What the list calls it.
    label: Mapped[str]
    #: The path or URL that stands in the list.
    place: Mapped[str]


class LikedSong(Base):
    """What says that the person loves a song. A song may have several such rows."""

    __tablename__ = "liked_songs"
    __table_args__ = (
        within_account("song_id", "songs"),
        CheckConstraint("origin IN ('list', 'rating', 'heart', 'same')", name="origin"),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    song_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: A list or a rating of the source, a heart on the site, or what a song says that is the same.
    origin: Mapped[str] = mapped_column(
        String(10), primary_key=True, default="list", server_default="list"
    )
    liked_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: The external id of the list that says so. A list that cannot be read takes no song back.
    said_by: Mapped[str | None]


class Features(Base):
    """What listening to a song found."""

    __tablename__ = "features"
    __table_args__ = (
        within_account("song_id", "songs"),
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
    #: What of a damaged file could not be heard, in a sentence.
    damage: Mapped[str | None]
    analysed_at: Mapped[datetime] = mapped_column(default=utc_now)


class UnheardSong(Base):
    """A song that could not be heard."""

    __tablename__ = "unheard_songs"
    __table_args__ = (
        within_account("song_id", "songs"),
        Index("ix_unheard_songs_account_id_song_id", "account_id", "song_id"),
    )

    song_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    #: The analyser that tried, and the content that it tried: either another, and it is tried anew.
    analyser_version: Mapped[int]
    content_key: Mapped[str]
    #: A sentence for the person.
    reason: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(default=utc_now)
