"""What all tables share: names of constraints, moments in UTC, references within an account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, aware also where the database (SQLite) keeps no offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no offset; keep UTC."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs an offset, such as datetime.now(UTC)")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, said."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The root of the tables; names every constraint, so that migrations can."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - as SQLAlchemy reads it
        datetime: Moment,
        dict[str, Any]: JSON,
        list[str]: JSON,
    }


def within_account(local: str, remote: str) -> ForeignKeyConstraint:
    """A reference to a row of the same account, at whose end this one ends too."""
    return ForeignKeyConstraint(
        ["account_id", local], [f"{remote}.account_id", f"{remote}.id"], ondelete="CASCADE"
    )


def to_a_job(local: str) -> ForeignKeyConstraint:
    """A reference to a job of the same account, which holds the job as long as it is there.

    Looked at when the transaction ends: the end of an account takes both rows, in either order.
    Not ON DELETE SET NULL, which would empty the account's column along with the job's.
    """
    return ForeignKeyConstraint(
        ["account_id", local],
        ["jobs.account_id", "jobs.id"],
        deferrable=True,
        initially="DEFERRED",
    )


def where_known(name: str, *columns: str, unique: bool = False) -> Index:
    """An index over the rows that have a value in the last of these columns."""
    known = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, unique=unique, sqlite_where=known, postgresql_where=known)


def account_column() -> Mapped[UUID]:
    """The account of a row, at whose end the row ends too."""
    return mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
