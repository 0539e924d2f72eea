"""How a database stands to code that is older, newer or as old as it, on both databases."""

from __future__ import annotations

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from library.database import Database
from library.errors import SchemaTooNew
from library.models import Base
from library.schema import Standing
from tests.integration.library.test_migrations import run

CONFIG = Config()
CONFIG.set_main_option("script_location", "library:migrations")
#: Oldest first.
SCRIPTS = list(ScriptDirectory.from_config(CONFIG).walk_revisions())[::-1]
NEWEST = SCRIPTS[-1]


def oldest_code(database: Database) -> str | None:
    with database.session() as session:
        found: str | None = session.scalar(text("SELECT oldest_code FROM alembic_version"))
        return found


def migrate_by_newer_code(database: Database, *, oldest: str | None) -> None:
    with database.session() as session:
        statement = "UPDATE alembic_version SET version_num = '9999', oldest_code = :oldest"
        session.execute(text(statement), {"oldest": oldest})


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.revision)
def test_every_migration_says_what_code_it_allows(script):
    """A migration that leaves it out would lock out the code that a roll-back starts."""
    advice = 'say oldest_code = "…": the oldest revision whose code works with its tables'
    assert hasattr(script.module, "oldest_code"), f"{script.path}: {advice}"
    known = [known.revision for known in SCRIPTS]
    position = known.index(script.revision)
    oldest = known.index(script.module.oldest_code)
    assert oldest <= position
    assert position == 0 or oldest >= known.index(SCRIPTS[position - 1].module.oldest_code)


def test_a_database_is_behind_until_it_is_migrated(empty_database: Database) -> None:
    assert empty_database.schema().standing is Standing.EMPTY
    run(empty_database, "upgrade", SCRIPTS[0].revision)
    behind = empty_database.schema()
    assert behind.standing is Standing.BEHIND
    assert not behind.is_usable
    assert "run earmark migrate first" in str(behind)
    assert empty_database.migrate().standing is Standing.CURRENT
    assert oldest_code(empty_database) == NEWEST.module.oldest_code


def test_the_database_of_code_that_kept_no_mark_gets_one(database: Database) -> None:
    with database.session() as session:
        session.execute(text("ALTER TABLE alembic_version DROP COLUMN oldest_code"))
    assert database.migrate().standing is Standing.CURRENT
    assert oldest_code(database) == NEWEST.module.oldest_code


def test_older_code_goes_on_where_the_newer_tables_allow_it(database: Database) -> None:
    migrate_by_newer_code(database, oldest=SCRIPTS[0].revision)
    before = set(inspect(database.engine).get_table_names())
    schema = database.migrate()
    assert schema.standing is Standing.AHEAD
    assert schema.is_usable
    assert "revision 9999, newer than" in str(schema)
    assert "nothing was changed" in str(schema)
    assert set(inspect(database.engine).get_table_names()) == before >= set(Base.metadata.tables)


@pytest.mark.parametrize("oldest", ["9998", None])
def test_older_code_is_refused_where_the_newer_tables_do_not(database: Database, oldest) -> None:
    migrate_by_newer_code(database, oldest=oldest)
    with pytest.raises(SchemaTooNew, match="revision 9999, which this code"):
        database.migrate()


def test_a_database_that_was_never_marked_by_its_newer_code_is_refused(database: Database) -> None:
    migrate_by_newer_code(database, oldest=None)
    with database.session() as session:
        session.execute(text("ALTER TABLE alembic_version DROP COLUMN oldest_code"))
    assert database.schema().standing is Standing.TOO_NEW
