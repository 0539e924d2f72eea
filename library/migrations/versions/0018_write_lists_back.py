"""Write lists back: what was written, and a kind of job that is never at files beside a sync."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
oldest_code = "0002"

_OLD = "kind IN ('sync', 'analysis', 'matching')"
_NEW = "kind IN ('sync', 'analysis', 'matching', 'write_back')"
_ACTIVE = "status IN ('pending', 'running', 'retrying') AND kind IN ('sync', 'write_back')"


def upgrade() -> None:
    _set_check(_OLD, _NEW)
    op.create_index(
        "ix_jobs_one_at_files",
        "jobs",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text(_ACTIVE),
        postgresql_where=sa.text(_ACTIVE),
    )
    op.create_table(
        "write_backs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("playlist_identity", sa.Uuid(), nullable=False),
        sa.Column("playlist_name", sa.String(), nullable=False),
        sa.Column("list_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("before_key", sa.String(length=64), nullable=False),
        sa.Column("after_key", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'writing', 'written', 'unchanged', 'failed', 'undoing', "
            "'undone')",
            name=op.f("ck_write_backs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_write_backs_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "source_id"],
            ["sources.account_id", "sources.id"],
            name=op.f("fk_write_backs_account_id_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_backs")),
        sa.UniqueConstraint("account_id", "id", name=op.f("uq_write_backs_account_id_id")),
        sa.UniqueConstraint(
            "batch_id", "playlist_identity", name=op.f("uq_write_backs_batch_id_playlist_identity")
        ),
    )
    for columns in (
        ["account_id", "created_at", "id"],
        ["account_id", "source_id"],
        ["created_at"],
    ):
        op.create_index(f"ix_write_backs_{'_'.join(columns)}", "write_backs", columns)
    op.create_table(
        "written_songs",
        sa.Column("write_back_id", sa.Uuid(), nullable=False),
        sa.Column("song_identity", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'written', 'already', 'refused')",
            name=op.f("ck_written_songs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "write_back_id"],
            ["write_backs.account_id", "write_backs.id"],
            name=op.f("fk_written_songs_account_id_write_back_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("write_back_id", "song_identity", name=op.f("pk_written_songs")),
    )


def downgrade() -> None:
    op.drop_table("written_songs")
    op.drop_table("write_backs")
    op.drop_index("ix_jobs_one_at_files", "jobs")
    # The code of before does not know the kind.
    kind = sa.table("jobs", sa.column("kind"))
    op.execute(sa.delete(kind).where(kind.c.kind == "write_back"))
    _set_check(_NEW, _OLD)


def _set_check(old: str, new: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _edit(old, new)
    else:
        op.drop_constraint("ck_jobs_kind", "jobs")
        op.create_check_constraint(op.f("ck_jobs_kind"), "jobs", new)


def _edit(old: str, new: str) -> None:
    """Edit the table's text, as revision 0017 does and for its reason."""
    connection = op.get_bind()
    named = "type = 'table' AND name = 'jobs'"
    before = str(
        connection.scalar(sa.text(f"SELECT sql FROM sqlite_schema WHERE {named}"))  # noqa: S608
    )
    if before.count(old) != 1:
        raise RuntimeError(f"The table jobs has another form than it should: {before}")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    statement = f"UPDATE sqlite_schema SET sql = :sql WHERE {named}"  # noqa: S608 - two constants
    connection.execute(sa.text(statement), {"sql": before.replace(old, new)})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
