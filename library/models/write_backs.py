"""The tables of write-back: which lists were written, and which songs were put into them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, account_column, utc_now, within_account

#: `writing` and `undoing` are noted before a file is touched: whoever goes on after a process died
#: looks at the file. `unchanged`: the list had all the songs already.
WRITE_BACK_STATES = (
    *("planned", "writing", "written", "unchanged", "failed"),
    *("undoing", "undone"),
)
#: `already`: the list had it. `refused`: it cannot stand in this list.
WRITTEN_SONG_STATES = ("planned", "written", "already", "refused")


class WriteBack(Base):
    """One list that songs were written into, once.

    It knows the playlist by its identity, as decisions do, and has the words to show.
    """

    __tablename__ = "write_backs"
    __table_args__ = (
        UniqueConstraint("account_id", "id"),
        UniqueConstraint("batch_id", "playlist_identity"),
        within_account("source_id", "sources"),
        CheckConstraint(f"state IN {WRITE_BACK_STATES}", name="state"),
        Index("ix_write_backs_account_id_created_at_id", "account_id", "created_at", "id"),
        Index("ix_write_backs_account_id_source_id", "account_id", "source_id"),
        Index("ix_write_backs_created_at", "created_at"),
    )

    #: Names the backup, too.
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID] = account_column()
    #: The same for all lists of one act; the job that does it names it.
    batch_id: Mapped[UUID]
    source_id: Mapped[UUID]
    playlist_identity: Mapped[UUID]
    playlist_name: Mapped[str]
    #: The source's own name for the list.
    list_id: Mapped[str]
    state: Mapped[str] = mapped_column(String(10), default="planned")
    #: Why it failed, or was not undone, in a sentence for the person.
    reason: Mapped[str | None]
    #: Names the list's content as the person looked at it.
    before_key: Mapped[str] = mapped_column(String(64))
    #: Names its content with the songs, from `writing` on.
    after_key: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    written_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]


class WrittenSong(Base):
    """A song that was to be put into a list."""

    __tablename__ = "written_songs"
    __table_args__ = (
        within_account("write_back_id", "write_backs"),
        CheckConstraint(f"state IN {WRITTEN_SONG_STATES}", name="state"),
    )

    write_back_id: Mapped[UUID] = mapped_column(primary_key=True)
    song_identity: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    #: In which order they are put in.
    position: Mapped[int]
    label: Mapped[str]
    #: How the list names its file.
    place: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(10), default="planned")
    #: Why it is not put in.
    reason: Mapped[str | None]
