"""Playlists whose files have other names now, with their entries and decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.orm import Session

from . import list_files
from .models import LikedList, LikedSong, Playlist, Song
from .moves import KnownFile, Print, find_moves
from .sources.contents import part_of

_DIVIDER = "//"


def find(
    known: Mapping[str, Print],
    keys: Mapping[str, str | None],
    found: Mapping[str, Print],
    key_of: Callable[[str], str | None],
) -> dict[str, str]:
    """The new names of files with playlists by their old ones; see `moves.find_moves`."""
    files = [KnownFile(uuid4(), name, print_, keys.get(name)) for name, print_ in known.items()]
    names = {file.id: file.name for file in files}
    moves = find_moves(files, found, key_of)
    return {names[file_id]: name for file_id, name in moves.renamed.items()}


def rename(
    session: Session,
    *,
    account_id: UUID,
    source_id: UUID,
    renamed: Mapping[str, str],
    now: datetime,
) -> None:
    """Have the playlists and lists of loved songs in files go with the files' new names.

    What was known under a new name, and has none now, is gone. The files are still to be read.
    """
    _rename_playlists(session, source_id, renamed, now)
    _rename_liked_lists(session, source_id, renamed)
    _rename_what_said_it(session, account_id, source_id, renamed)
    list_files.forget(session, source_id=source_id, names={*renamed, *renamed.values()})


def new_names(names: Iterable[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """The new names of those of these playlists that lie in a renamed file."""
    found = {name: part_of(name, renamed) for name in names}
    return {
        name: renamed[file] + name[len(file) :] for name, file in found.items() if file is not None
    }


def as_renamed(names: Iterable[str], renamed: Mapping[str, str]) -> list[str]:
    """These playlists, by the names that they have now."""
    known = list(names)
    new = new_names(known, renamed)
    return [new.get(name, name) for name in known]


def _rename_playlists(
    session: Session, source_id: UUID, renamed: Mapping[str, str], now: datetime
) -> None:
    query = select(Playlist.external_id, Playlist.id).where(Playlist.source_id == source_id)
    ids = {name: playlist_id for name, playlist_id in session.execute(query)}  # noqa: C416
    new = new_names(ids, renamed)
    wanted = set(new.values())
    # No two have one name at any moment.
    aside = [name for name in ids if name in wanted]
    if aside:
        rows = [{"id": ids[name], "external_id": f"{name}{_DIVIDER}{ids[name]}"} for name in aside]
        session.execute(update(Playlist), rows)
    if new:
        rows = [{"id": ids[old], "external_id": name} for old, name in new.items()]
        session.execute(update(Playlist), rows)
    displaced = [ids[name] for name in aside if name not in new]
    gone = update(Playlist).where(Playlist.id.in_(displaced), Playlist.gone_at.is_(None))
    session.execute(gone.values(gone_at=now))


def _rename_liked_lists(session: Session, source_id: UUID, renamed: Mapping[str, str]) -> None:
    mine = select(*LikedList.__table__.columns).where(LikedList.source_id == source_id)
    rows = {row["external_id"]: dict(row) for row in session.execute(mine).mappings()}
    new = new_names(rows, renamed)
    if not new:
        return
    named = LikedList.external_id.in_([*new, *new.values()])
    session.execute(delete(LikedList).where(LikedList.source_id == source_id, named))
    session.execute(
        insert(LikedList), [rows[old] | {"external_id": name} for old, name in new.items()]
    )


def _rename_what_said_it(
    session: Session, account_id: UUID, source_id: UUID, renamed: Mapping[str, str]
) -> None:
    of_source = select(Song.id).where(Song.source_id == source_id)
    mine = (LikedSong.account_id == account_id, LikedSong.song_id.in_(of_source))
    said = session.scalars(select(LikedSong.said_by).where(*mine).distinct()).all()
    new = new_names([name for name in said if name is not None], renamed)
    if new:
        named = update(LikedSong).where(*mine, LikedSong.said_by.in_(new))
        session.execute(named.values(said_by=case(new, value=LikedSong.said_by)))
