"""The table of files that hold playlists."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, within_account


class ListFile(Base):
    """A file with playlists as the newest sync read it, so that it need not be read again."""

    __tablename__ = "list_files"
    __table_args__ = (within_account("source_id", "sources"),)

    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: Of it, or of the playlists in it with their own keys behind a ``/``.
    external_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    #: Nanoseconds since 1970, as text. NULL: the file is to be read again.
    modified_ns: Mapped[str | None] = mapped_column(String(20))
    inode: Mapped[str | None] = mapped_column(String(20))
    #: Names the file's content, by which it is found again under another name.
    content_key: Mapped[str | None] = mapped_column(String(64))
