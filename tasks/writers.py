"""What writes the lists of an account's sources, here and on the site's pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from library import account_sources, songs
from library.database import Database
from library.sources.location import folder_at
from library.sources.places import SongIndex
from library.sources.source import SourceRow
from library.writeback.errors import NotWritable
from library.writeback.targets import Target, writer_of
from library.writeback.writer import ListWriter

from .settings import Settings
from .sources import installation


@dataclass(slots=True)
class Writers:
    """The writers of an account's sources, each made when it is first asked for."""

    database: Database
    settings: Settings
    account_id: UUID
    #: Whether a person waits for what is asked.
    is_waited_for: bool = False
    _made: dict[UUID, ListWriter] = field(default_factory=dict)

    def of(self, source_id: UUID) -> ListWriter:
        """What writes the lists of a source.

        Raises:
            NotWritable: nothing does, or the source is not the account's.
        """
        if source_id not in self._made:
            self._made[source_id] = self._make(source_id)
        return self._made[source_id]

    def _make(self, source_id: UUID) -> ListWriter:
        with self.database.reading() as session:
            found = account_sources.get(session, account_id=self.account_id, source_id=source_id)
            if found is None or found.removed_at is not None:
                raise NotWritable("The source of this list was removed.")
            row, kind = account_sources.row_of(found), found.kind
        target = Target(
            row=row,
            installation=installation(self.settings),
            writable=self.settings.writable,
            index=lambda: self._index(row, kind),
            is_waited_for=self.is_waited_for,
        )
        return writer_of(kind, target)

    def _index(self, row: SourceRow, kind: str) -> SongIndex:
        with self.database.reading() as session:
            names = songs.ids_by_external(session, source_id=row.id)
        return SongIndex(names, folder_at(row.location) if kind == "folder" else None)
