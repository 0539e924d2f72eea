"""The migrations come to the tables that the models describe, on both databases."""

from __future__ import annotations

import re

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, inspect, text

from library.database import Database
from library.models import Base


def run(database: Database, order: str, revision: str) -> None:
    with database.engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", "library:migrations")
        config.attributes["connection"] = connection
        getattr(command, order)(config, revision)
        connection.commit()


def test_the_newest_revision_is_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_check_of_the_models_is_in_the_database(database: Database) -> None:
    # What autogenerate does not compare.
    inspector = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        expected = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
        assert {c["name"] for c in inspector.get_check_constraints(table.name)} == expected


def test_every_reference_does_in_the_database_what_the_models_say(database: Database) -> None:
    inspector = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        expected = {
            (c.name, c.ondelete, bool(c.deferrable))
            for c in table.constraints
            if isinstance(c, ForeignKeyConstraint)
        }
        found = {
            (k["name"], k["options"].get("ondelete"), bool(k["options"].get("deferrable")))
            for k in inspector.get_foreign_keys(table.name)
        }
        assert found == expected


def test_the_index_that_keeps_one_active_job_is_partial(database: Database) -> None:
    (index,) = (
        i for i in inspect(database.engine).get_indexes("jobs") if i["name"] == "ix_jobs_one_active"
    )
    assert index["unique"]
    options = index["dialect_options"]
    condition = str(options.get("sqlite_where", options.get("postgresql_where")))
    assert set(re.findall("pending|running|retrying|completed", condition)) == {
        "pending",
        "running",
        "retrying",
    }


def test_an_empty_database_is_brought_up_and_down_and_up_again(empty_database: Database) -> None:
    empty_database.migrate()
    assert set(inspect(empty_database.engine).get_table_names()) >= set(Base.metadata.tables)
    run(empty_database, "downgrade", "base")
    assert inspect(empty_database.engine).get_table_names() == ["alembic_version"]
    empty_database.migrate()
    assert set(inspect(empty_database.engine).get_table_names()) >= set(Base.metadata.tables)


def test_a_migration_of_what_is_up_to_date_changes_nothing(database: Database) -> None:
    with database.session() as session:
        session.execute(
            text(
                "INSERT INTO accounts (id, email, password_hash, session_version, created_at)"
                " VALUES ('00000000000000000000000000000001', 'a@b', '-', 1, '2026-01-01')"
            )
        )
    database.migrate()
    with database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM accounts")) == 1


def test_there_is_one_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "library:migrations")
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1
