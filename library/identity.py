"""What decisions know a song or a playlist by, when its row may go and come again."""

from __future__ import annotations

from uuid import UUID, uuid5


def identity_of(source_id: UUID, external_id: str) -> UUID:
    """The identity of what a source first has under a name: the same each time it is asked for.

    Kept when the name changes, so it is never asked for again as long as the row is there.
    """
    return uuid5(source_id, external_id)
