"""What can go wrong in the domain, named for the caller's situation."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from .schema import Schema


class LibraryError(Exception):
    """Something in the domain did not work. The root of its errors."""


class UnreadableFile(LibraryError):
    """A file that cannot be used; its text is fit for the person whose file it is."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class UnhearableFile(UnreadableFile):
    """A file of which too little can be heard; so it is as long as its content stays the same."""


class NoSound(UnreadableFile):
    """A song for which its source has no sound."""


class SourceUnavailable(LibraryError):
    """A music library that cannot be read at all, such as a folder that is gone."""


class SourceIncomplete(LibraryError):
    """A music library that can be read, and lacks a large part of what was in it before."""


class JobAlreadyActive(LibraryError):
    """A job of the same kind has not ended yet."""

    def __init__(self, job_id: UUID, kind: str) -> None:
        self.job_id = job_id
        self.kind = kind
        super().__init__(f"A job of the kind {kind!r} is running already: {job_id}.")


class EmailTaken(LibraryError):
    """An account with this e-mail address exists already."""

    def __init__(self, email: str) -> None:
        super().__init__(f"There is an account for {email} already.")


class SchemaTooNew(LibraryError):
    """The database's tables are newer than this code, and it may not use them."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        super().__init__(str(schema))


class SourceRefused(LibraryError):
    """A source that an account cannot have; its text is fit for the person who asked for it."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        #: The field of the form that is to be put right.
        self.field = field
        super().__init__(reason)


class FolderRefused(SourceRefused):
    """A folder that an account cannot have; its text is fit for the person who chose it."""


class InviteUsed(LibraryError):
    """An invite that somebody else has used in the meantime."""
