"""Files that hold playlists, as they were read: what is unchanged need not be read again.

What an entry of a playlist means depends on which songs there are. So all of a source's files are
read again when a name of a song comes, goes or changes; whoever writes that says it in the same
transaction, and a sync that is broken off between the two leaves nothing unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from .models import ListFile, MissingEntry, Playlist
from .moves import Print

#: A statement names at most this many rows.
_BATCH = 500


def prints(session: Session, *, source_id: UUID) -> dict[str, Print]:
    """Size, time and inode of each file, by its name. No time: it is to be read again."""
    columns = (ListFile.external_id, ListFile.size_bytes, ListFile.modified_ns, ListFile.inode)
    rows = session.execute(select(*columns).where(ListFile.source_id == source_id))
    return {name: print_of(size, modified, inode) for name, size, modified, inode in rows}


def print_of(size_bytes: int | None, modified_ns: str | None, inode: str | None) -> Print:
    """Size, time and inode as text."""
    return None if size_bytes is None else str(size_bytes), modified_ns, inode


def keys(session: Session, *, source_id: UUID) -> dict[str, str | None]:
    """What names the content of each file, by its name."""
    query = select(ListFile.external_id, ListFile.content_key)
    rows = session.execute(query.where(ListFile.source_id == source_id))
    return {name: key for name, key in rows}  # noqa: C416 - its types


def read_again(session: Session, *, source_id: UUID, names: Iterable[str] | None = None) -> None:
    """Have these files be read at the next sync, changed or not; without names all."""
    stale = update(ListFile).where(
        ListFile.source_id == source_id, ListFile.modified_ns.is_not(None)
    )
    if names is None:
        session.execute(stale.values(modified_ns=None))
        return
    for part in _batches(names):
        session.execute(stale.where(ListFile.external_id.in_(part)).values(modified_ns=None))


def read_again_what_misses(session: Session, *, source_id: UUID) -> None:
    """Have the files be read at the next sync whose playlists miss songs.

    For a song that is called otherwise now: what an entry misses is looked for by that, too.
    """
    query = (
        select(Playlist.external_id)
        .join(MissingEntry, MissingEntry.playlist_id == Playlist.id)
        .where(Playlist.source_id == source_id, Playlist.gone_at.is_(None))
        .distinct()
    )
    names = files_of(session.scalars(query).all())
    read_again(session, source_id=source_id, names=names)


class Read(NamedTuple):
    """What a file was when it was read."""

    print: Print
    #: Names its content.
    content_key: str


def set_read(
    session: Session, *, account_id: UUID, source_id: UUID, files: Mapping[str, Read]
) -> None:
    """Note that files were read, by their names.

    Belongs into the transaction that keeps the last of what was read of them: a file that is noted
    is not read again.
    """
    query = select(*ListFile.__table__.columns).where(ListFile.source_id == source_id)
    known = {row["external_id"]: dict(row) for row in session.execute(query).mappings()}
    rows = [
        {
            "source_id": source_id,
            "external_id": name,
            "account_id": account_id,
            "size_bytes": None if print_[0] is None else int(print_[0]),
            "modified_ns": print_[1],
            "inode": print_[2],
            "content_key": key,
        }
        for name, (print_, key) in files.items()
    ]
    if new := [row for row in rows if row["external_id"] not in known]:
        session.execute(insert(ListFile), new)
    if old := [row for row in rows if known.get(row["external_id"], row) != row]:
        session.execute(update(ListFile), old)


def forget(session: Session, *, source_id: UUID, names: Iterable[str]) -> None:
    """Forget files that are gone."""
    for part in _batches(names):
        gone = delete(ListFile).where(ListFile.source_id == source_id)
        session.execute(gone.where(ListFile.external_id.in_(part)))


def files_of(playlists: Iterable[str]) -> set[str]:
    """The names of the files that these playlists may be in: their own, and all before a ``/``."""
    found: set[str] = set()
    for name in playlists:
        while name and name not in found:
            found.add(name)
            name = name.rpartition("/")[0]  # noqa: PLW2901
    return found


def _batches(names: Iterable[str]) -> Iterable[list[str]]:
    listed = sorted(names)
    return (listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH))
