"""The migrations come to the tables that the models describe, on both databases."""

from __future__ import annotations

import re
from uuid import uuid4

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Uuid,
    bindparam,
    inspect,
    select,
    text,
)

from library.database import Database
from library.models import Base, Song, utc_now


def run(database: Database, order: str, revision: str) -> None:
    with database.engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", "library:migrations")
        config.attributes["connection"] = connection
        getattr(command, order)(config, revision)
        connection.commit()


def test_the_newest_revision_is_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:

        def is_here(found: object, *_: object) -> bool:
            condition = getattr(found, "_ddl_if", None)
            return condition is None or condition.dialect == connection.dialect.name

        options = {"compare_type": True, "include_object": is_here}
        context = MigrationContext.configure(connection, opts=options)
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


_ACCOUNT = uuid4()
_SOURCE = uuid4()
#: What a program of the revision 0002 writes: it names the columns of its own time alone.
_WRITTEN_BY_0002 = (
    (
        "INSERT INTO accounts (id, email, password_hash, session_version, created_at)"
        " VALUES (:account, 'a@b', '-', 1, '2026-01-01')"
    ),
    (
        "INSERT INTO sources (id, account_id, kind, location, name, created_at)"
        " VALUES (:source, :account, 'folder', '/music', 'Music', '2026-01-01')"
    ),
    (
        "INSERT INTO songs (id, account_id, source_id, external_id, title, present)"
        " VALUES (:one, :account, :source, 'here.ogg', 'Here', TRUE)"
    ),
    (
        "INSERT INTO songs (id, account_id, source_id, external_id, title, present)"
        " VALUES (:two, :account, :source, 'gone.ogg', 'Gone', FALSE)"
    ),
    (
        "INSERT INTO playlists (id, account_id, source_id, external_id, name)"
        " VALUES (:one, :account, :source, 'list.m3u', 'List')"
    ),
    (
        "INSERT INTO playlist_entries (playlist_id, position, account_id, song_id)"
        " VALUES (:one, 0, :account, :two)"
    ),
    "INSERT INTO liked_songs (account_id, song_id, liked_at) VALUES (:account, :one, '2026-01-01')",
)


def write_as_0002(database: Database) -> None:
    keys = {"account": _ACCOUNT, "source": _SOURCE, "one": uuid4(), "two": uuid4()}
    with database.session() as session:
        for statement in _WRITTEN_BY_0002:
            types = [bindparam(name, type_=Uuid()) for name in keys if f":{name}" in statement]
            session.execute(text(statement).bindparams(*types), keys)


def test_songs_that_were_gone_before_are_gone_since_the_migration(
    empty_database: Database,
) -> None:
    run(empty_database, "upgrade", "0002")
    write_as_0002(empty_database)
    began = utc_now()
    empty_database.migrate()
    with empty_database.session() as session:
        rows = session.execute(select(Song.external_id, Song.gone_at))
        gone = {name: gone_at for name, gone_at in rows}  # noqa: C416 - for the type checker
    assert gone["here.ogg"] is None
    assert gone["gone.ogg"] is not None
    assert began <= gone["gone.ogg"] <= utc_now()


def test_tables_take_rows_of_a_program_of_an_older_revision(database: Database) -> None:
    write_as_0002(database)
    with database.session() as session:
        session.execute(text("DELETE FROM playlists"))
        assert session.scalar(text("SELECT count(*) FROM playlist_entries")) == 0


def test_there_is_one_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "library:migrations")
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_what_refers_to_a_song_or_a_playlist_is_found_by_an_index_of_the_whole_reference(
    database: Database,
) -> None:
    # Else each row that is deleted has all rows of its account looked through.
    inspector = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        found = [index["column_names"] for index in inspector.get_indexes(table.name)]
        found.append(inspector.get_pk_constraint(table.name)["constrained_columns"])
        found += [c["column_names"] for c in inspector.get_unique_constraints(table.name)]
        for key in table.foreign_key_constraints:
            if key.referred_table.name in ("songs", "playlists"):
                (local,) = set(key.column_keys) - {"account_id"}
                is_whole = any(set(columns[:2]) == {"account_id", local} for columns in found)
                # SQLite takes an index that begins with the account before one of the other alone.
                is_alone = not any(columns[0] == "account_id" for columns in found)
                is_first = any(columns[0] == local for columns in found)
                assert is_whole or (is_alone and is_first), f"{table.name}: {local}"
