"""Which lists of a source are those of songs its person loves: by their names, or as they chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from . import list_files
from .models import LikedList, Playlist, Source


@dataclass(frozen=True, slots=True)
class KnownList:
    """A list that is taken for songs its person loves, or that they said is none."""

    external_id: str
    name: str
    is_liked: bool
    is_chosen: bool


def known(session: Session, *, source_id: UUID) -> list[KnownList]:
    """The lists of loved songs of a source, and those that were chosen not to be, by name."""
    query = (
        select(LikedList.external_id, LikedList.name, LikedList.is_liked, LikedList.is_chosen)
        .where(LikedList.source_id == source_id)
        .order_by(LikedList.name, LikedList.external_id)
    )
    return [KnownList(*row) for row in session.execute(query)]


def chosen(session: Session, *, source_id: UUID) -> dict[str, bool]:
    """What the person said of lists: whether they are of loved songs."""
    mine = known(session, source_id=source_id)
    return {found.external_id: found.is_liked for found in mine if found.is_chosen}


def choose(
    session: Session, *, account_id: UUID, source_id: UUID, external_id: str, is_liked: bool
) -> bool:
    """Have a list of a source be one of loved songs or not, from its next sync on.

    False where the account's source has no such list.
    """
    name = _name(session, account_id, source_id, external_id)
    if name is None:
        return False
    found = session.get(LikedList, (source_id, external_id)) or LikedList(
        account_id=account_id, source_id=source_id, external_id=external_id, name=name
    )
    found.is_liked, found.is_chosen = is_liked, True
    session.add(found)
    session.flush()
    # It is read as what it is now, whether its file has changed or not.
    list_files.read_again(session, source_id=source_id, names=list_files.files_of([external_id]))
    return True


def _name(session: Session, account_id: UUID, source_id: UUID, external_id: str) -> str | None:
    for table in (LikedList, Playlist):
        named = (table.source_id == source_id, table.external_id == external_id)
        query = select(table.name).where(table.account_id == account_id, *named)
        if (name := session.scalar(query)) is not None:
            return name
    return None


def set_found(
    session: Session,
    *,
    account_id: UUID,
    source_id: UUID,
    lists: Mapping[str, str],
    is_unread: Callable[[str], bool] = lambda _: False,
) -> None:
    """Know these as the lists that are of loved songs by their own names, by external id.

    One that `is_unread` stays, and so does what a person chose.
    """
    mine = LikedList.source_id == source_id
    before = {found.external_id: found for found in known(session, source_id=source_id)}
    over = [
        key
        for key, found in before.items()
        if not found.is_chosen and key not in lists and not is_unread(key)
    ]
    for key in over:
        session.execute(delete(LikedList).where(mine, LikedList.external_id == key))
    for key, name in lists.items():
        if key in before and before[key].name != name:
            row = update(LikedList).where(mine, LikedList.external_id == key)
            session.execute(row.values(name=name))
        if key not in before:
            session.add(
                LikedList(
                    account_id=account_id, source_id=source_id, external_id=key, name=name,
                    is_liked=True, is_chosen=False,
                )
            )  # fmt: skip
    session.flush()


def set_bound(session: Session, *, account_id: UUID, source_id: UUID, stars: int) -> None:
    """Love the songs of an account's source with at least so many stars; 0: stars say nothing."""
    own = (Source.account_id == account_id, Source.id == source_id)
    session.execute(update(Source).where(*own).values(liked_from_stars=stars))
