"""A write and an undo, each carried through: the row is noted first, and the list is asked after.

Killed anywhere, an act is made again and ends as if it had not been: the row says what the list
held before and what it was to hold, and the list says which of the two it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from .. import awaited, write_backs
from ..models import WriteBack
from .adding import Addition
from .entries import NewSong
from .errors import NotWritable
from .replacing import CHANGED, CHANGED_SINCE
from .writer import ListWriter, Plan, Standing

Sessions = Callable[[], AbstractContextManager[Session]]
#: States in which there is nothing to be done of a write any more.
_WRITTEN = frozenset({"written", "unchanged", "undoing", "undone"})
_BROKEN_OFF = "It was broken off before the list was written: the list is as it was."


@dataclass(frozen=True, slots=True)
class Act:
    """One list that is written, or put back."""

    sessions: Sessions
    writer: ListWriter
    account_id: UUID
    write_back_id: UUID

    def write(self) -> None:
        """Write the list, unless that was done before.

        Raises:
            NotWritable: it cannot be written, and the row says why.
        """
        row, plan, identities = self._read()
        if row.state in _WRITTEN:
            return

        def before_writing(after_key: str, addition: Addition) -> None:
            with self.sessions() as session:
                write_backs.note_songs(
                    session,
                    account_id=self.account_id,
                    write_back_id=self.write_back_id,
                    by_external=identities,
                    addition=addition,
                )
                self._note(session, "writing", after_key=after_key)

        self._carry_out(lambda: self.writer.write(plan, before_writing), "failed")
        with self.sessions() as session:
            now = self._row(session)
            is_same = now.after_key == now.before_key
            self._note(session, "unchanged" if is_same else "written")

    def undo(self) -> None:
        """Put the list back, unless that was done before.

        Raises:
            NotWritable: it cannot be put back, and the row says why.
        """
        row, plan, _ = self._read()
        if row.state in ("undone", "planned", "unchanged") or plan.after_key is None:
            return
        with self.sessions() as session:
            self._note(session, "undoing")
        self._carry_out(lambda: self.writer.undo(plan), "written")
        with self.sessions() as session:
            self._note(session, "undone")

    def settle(self) -> None:
        """Find out what became of an act whose job ended before it did, and note it.

        Nothing is written or put back any more: its person sees what is so, and may ask anew.
        """
        row, plan, _ = self._read()
        try:
            standing = self.writer.settle(plan)
        except NotWritable as error:
            self._settled(row.state, Standing.OTHER, str(error))
        else:
            changed = CHANGED_SINCE if row.state == "undoing" else CHANGED
            self._settled(row.state, standing, changed if standing is Standing.OTHER else None)

    def _settled(self, state: str, standing: Standing, reason: str | None) -> None:
        is_undo = state == "undoing"
        if standing is Standing.BEFORE:
            state, reason = ("undone", None) if is_undo else ("failed", _BROKEN_OFF)
        elif standing is Standing.AFTER or is_undo:
            state = "written"
        else:
            state = "failed"
        with self.sessions() as session:
            self._note(session, state, reason=reason)

    def plan(self) -> Plan:
        """What is to be written, or was."""
        return self._read()[1]

    def _read(self) -> tuple[WriteBack, Plan, dict[str, UUID]]:
        mine = {"account_id": self.account_id, "write_back_id": self.write_back_id}
        with self.sessions() as session:
            row = self._row(session)
            wanted = [song.song_identity for song in write_backs.songs(session, **mine)]
            known = awaited.by_identity(session, account_id=self.account_id, identities=wanted)
            songs: list[tuple[UUID, NewSong]] = []
            for identity in wanted:
                found = known.get(identity)
                reason = awaited.obstacle(found, row.source_id)
                if found is not None and reason is None:
                    songs.append((identity, found.song))
                elif reason is not None and row.state not in _WRITTEN:
                    write_backs.refuse_song(session, **mine, song_identity=identity, reason=reason)
        plan = Plan(row.id, row.list_id, [song for _, song in songs], row.before_key, row.after_key)
        return row, plan, {song.external_id: identity for identity, song in songs}

    def _row(self, session: Session) -> WriteBack:
        row = write_backs.get(session, account_id=self.account_id, write_back_id=self.write_back_id)
        if row is None:
            raise NotWritable("What was to be written is not known any more.")
        return row

    def _note(
        self,
        session: Session,
        state: str,
        *,
        reason: str | None = None,
        after_key: str | None = None,
    ) -> None:
        write_backs.set_state(
            session,
            account_id=self.account_id,
            write_back_id=self.write_back_id,
            state=state,
            reason=reason,
            after_key=after_key,
        )

    def _carry_out(self, act: Callable[[], None], otherwise: str) -> None:
        try:
            act()
        except NotWritable as error:
            with self.sessions() as session:
                self._note(session, otherwise, reason=str(error))
            raise
