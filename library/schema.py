"""Schema: what revision the tables are at, and whether this code may use them.

Each migration names in ``oldest_code`` the oldest revision whose code goes on working with the
tables as the migration leaves them. The name is kept beside the revision in the database, because
the code that has to ask is the older one, which does not have the migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib import resources

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from .errors import SchemaTooNew

_VERSIONS = sa.table("alembic_version", sa.column("version_num"), sa.column("oldest_code"))


class Standing(Enum):
    """How the tables stand to this code."""

    EMPTY = "there are no tables"
    BEHIND = "a migration is to be run"
    CURRENT = "as this code has them"
    AHEAD = "newer, and this code may use them"
    TOO_NEW = "newer, and this code may not use them"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database, as this code sees them."""

    standing: Standing
    #: The revision the database is at. None: it has no tables.
    revision: str | None
    #: The revision this code has its tables at.
    code: str

    @property
    def is_usable(self) -> bool:
        """Whether this code may use the tables."""
        return self.standing in (Standing.CURRENT, Standing.AHEAD)

    def __str__(self) -> str:
        """The sentence that tells it, and what to do."""
        match self.standing:
            case Standing.EMPTY:
                return "The database has no tables yet: run earmark migrate first."
            case Standing.BEHIND:
                return (
                    f"The database is at revision {self.revision}, and this code needs "
                    f"{self.code}: run earmark migrate first."
                )
            case Standing.CURRENT:
                return "The database is up to date."
            case Standing.AHEAD:
                return (
                    f"The database is at revision {self.revision}, newer than {self.code} of this "
                    "code, which may use it all the same: nothing was changed."
                )
            case Standing.TOO_NEW:
                return (
                    f"The database is at revision {self.revision}, which this code, at {self.code},"
                    " cannot use: start the newer code again, or restore the copy of before."
                )


def read_schema(connection: sa.Connection) -> Schema:
    """How the tables of a connection's database stand."""
    scripts = ScriptDirectory.from_config(_configuration(connection))
    code = scripts.get_current_head()
    if code is None:
        raise RuntimeError("There are no migrations in library/migrations.")
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if revision is None:
        return Schema(Standing.EMPTY, None, code)
    if revision in known:
        is_current = revision == code
        return Schema(Standing.CURRENT if is_current else Standing.BEHIND, revision, code)
    # A revision of this code's past is one whose code this code goes on from.
    is_allowed = _oldest_code(connection) in known
    return Schema(Standing.AHEAD if is_allowed else Standing.TOO_NEW, revision, code)


def read_revision(connection: sa.Connection) -> str | None:
    """The revision of a connection's database that has tables."""
    found: str | None = connection.scalar(sa.select(_VERSIONS.c.version_num))
    return found


def migrate(connection: sa.Connection) -> Schema:
    """Bring the tables to this code's revision, unless they are at a newer one that it may use.

    Raises:
        SchemaTooNew: they are at a newer one that it may not use.
    """
    before = read_schema(connection)
    if before.standing is Standing.TOO_NEW:
        raise SchemaTooNew(before)
    if before.standing is Standing.AHEAD:
        return before
    command.upgrade(_configuration(connection), "head")
    return read_schema(connection)


def keep_oldest_code(connection: sa.Connection) -> None:
    """Write beside the revision what code may use its tables. Part of every migration."""
    if "oldest_code" not in _columns(connection):
        connection.execute(
            sa.text("ALTER TABLE alembic_version ADD COLUMN oldest_code VARCHAR(32)")
        )
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return
    scripts = ScriptDirectory.from_config(_configuration(connection))
    script = scripts.get_revision(revision)
    oldest_code = getattr(script.module, "oldest_code", revision) if script else revision
    connection.execute(sa.update(_VERSIONS).values(oldest_code=oldest_code))


def _oldest_code(connection: sa.Connection) -> str | None:
    if "oldest_code" not in _columns(connection):
        return None
    found: str | None = connection.scalar(sa.select(_VERSIONS.c.oldest_code))
    return found


def _columns(connection: sa.Connection) -> set[str]:
    return {column["name"] for column in sa.inspect(connection).get_columns(_VERSIONS.name)}


def _configuration(connection: sa.Connection) -> Config:
    config = Config()
    folder = resources.files("library").joinpath("migrations")
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    return config
