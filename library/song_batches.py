"""Batches of songs as their source has them, each read and written at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.orm import Session

from . import list_files
from .identity import identity_of
from .models import Features, Song, UnheardSong
from .sources.records import SongRecord

#: Longest title, artist, album and genre. PostgreSQL takes no longer ones into an index.
MAX_TEXT = 300
_BOUNDED = frozenset({"title", "artist", "album", "album_artist", "genre"})

_FIELDS = tuple(field.name for field in fields(SongRecord))
#: By these a playlist's entry is found that leads nowhere.
_CALLED = ("title", "artist", "artists", "album", "duration_seconds")
#: A row's values by the names of its columns.
_Values = dict[str, Any]


def save_all(
    session: Session, *, account_id: UUID, source_id: UUID, records: Sequence[SongRecord]
) -> int:
    """Add songs of a source, or bring them up to date; how many rows were written.

    At most some hundreds: a statement names them all. Rows that say the same are not written.
    """
    named = {record.external_id: _values_of(record) for record in records}
    known = _known(session, source_id, named)
    for name, before in known.items():
        # One that is shown as another stays hidden.
        named[name]["present"] = before["shown_as"] is None
    new = [
        values | {"id": uuid4(), "account_id": account_id, "source_id": source_id}
        for name, values in named.items()
        if name not in known
    ]
    changed = [
        (row, values)
        for name, values in named.items()
        if (row := known.get(name)) is not None and _differs(row, values)
    ]
    if new:
        _name_for_decisions(session, account_id, source_id, new)
        session.execute(insert(Song), new)
    if changed:
        # Rows of an earlier version have none.
        nameless = [values for row, values in changed if row["identity"] is None]
        _name_for_decisions(session, account_id, source_id, nameless)
        columns = [values | {"id": row["id"]} for row, values in changed]
        session.execute(update(Song), columns)
        _keep_what_was_heard(session, changed)
    if new or any(row["gone_at"] or not row["present"] for row, _ in changed):
        list_files.read_again(session, source_id=source_id)
    elif any(row[name] != values[name] for row, values in changed for name in _CALLED):
        list_files.read_again_what_misses(session, source_id=source_id)
    return len(new) + len(changed)


def searchable(*texts: str | None) -> str:
    """Texts as a search compares them: one a line, without case and accents."""
    joined = "\n".join(text for text in texts if text)
    parts = unicodedata.normalize("NFKD", joined.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _values_of(record: SongRecord) -> _Values:
    values: _Values = {name: getattr(record, name) for name in _FIELDS}
    values["artists"] = None if record.artists in ((), (record.artist,)) else list(record.artists)
    for name in _BOUNDED:
        value = values[name]
        if value is not None and len(value) > MAX_TEXT:
            values[name] = f"{value[: MAX_TEXT - 1]}…"
    values["search_text"] = searchable(values["title"], values["artist"], values["album"])
    return values | {"present": True, "gone_at": None}


def _known(session: Session, source_id: UUID, named: Mapping[str, _Values]) -> dict[str, _Values]:
    """The rows of these names as they are, by the names."""
    if not named:
        return {}
    also = ("id", "identity", "shown_as")
    columns = [getattr(Song, name) for name in (*also, *next(iter(named.values())))]
    query = select(*columns).where(Song.source_id == source_id, Song.external_id.in_(named))
    return {row["external_id"]: dict(row) for row in session.execute(query).mappings()}


def _differs(row: _Values, values: _Values) -> bool:
    return row["identity"] is None or any(row[name] != value for name, value in values.items())


def _name_for_decisions(
    session: Session, account_id: UUID, source_id: UUID, new: Sequence[_Values]
) -> None:
    """Give songs their identities; a song that was renamed keeps the one of its first name."""
    if not new:
        return
    first = {identity_of(source_id, values["external_id"]): values for values in new}
    mine = select(Song.identity).where(Song.account_id == account_id)
    taken = set(session.scalars(mine.where(Song.identity.in_(first))))
    for identity, values in first.items():
        if identity in taken:
            # By the sound, so that a row made anew after a purge has the same.
            name = f"{values['external_id']}//{values['audio_key'] or uuid4()}"
            second = identity_of(source_id, name)
            is_free = session.scalar(mine.where(Song.identity == second)) is None
            identity = second if is_free else uuid4()  # noqa: PLW2901
        values["identity"] = identity


def _keep_what_was_heard(session: Session, changed: Sequence[tuple[_Values, _Values]]) -> None:
    """Have what was heard of a file go on counting where its sound is the same."""
    keyed, rewritten = [], []
    for row, values in changed:
        is_same_file = all(row[name] == values[name] for name in ("size_bytes", "modified_ns"))
        if is_same_file and row["audio_key"] is None and values["audio_key"] is not None:
            # Sync told no sound from another until now, and what was heard was named by the file.
            keyed.append((row["id"], _file_key(row), values["audio_key"]))
        elif not is_same_file:
            rewritten.append(row["id"])
    for table in (Features, UnheardSong):
        for song_id, before, after in keyed:
            of = and_(table.song_id == song_id, table.content_key == before)
            session.execute(update(table).where(of).values(content_key=after))
    if rewritten:
        _hear_again_what_was_damaged(session, rewritten)


def _file_key(row: _Values) -> str:
    return f"{row['size_bytes']}:{row['modified_ns']}"


def _hear_again_what_was_damaged(session: Session, song_ids: Sequence[UUID]) -> None:
    """Forget what could not be heard: what was mended may lie between the pieces that are named."""
    session.execute(delete(UnheardSong).where(UnheardSong.song_id.in_(song_ids)))
    damaged = (Features.song_id.in_(song_ids), Features.damage.is_not(None))
    session.execute(update(Features).where(*damaged).values(content_key=""))
