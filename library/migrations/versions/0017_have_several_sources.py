"""Have several sources of any kind, each with its settings and secret, and removed ones."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
oldest_code = "0002"

_CHECK = "CONSTRAINT ck_sources_kind CHECK (kind IN ('folder'))"
_COLUMNS = ("settings", "secret", "failure", "report", "removed_at")


def upgrade() -> None:
    _drop_check()
    op.add_column("sources", sa.Column("settings", sa.JSON(), nullable=True))
    op.add_column("sources", sa.Column("secret", sa.LargeBinary(), nullable=True))
    op.add_column("sources", sa.Column("failure", sa.String(), nullable=True))
    op.add_column("sources", sa.Column("report", sa.JSON(), nullable=True))
    op.add_column("sources", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    has_sound: sa.Column[bool] = sa.Column(
        "has_sound", sa.Boolean(), nullable=False, server_default=sa.true()
    )
    op.add_column("songs", has_sound)


def downgrade() -> None:
    op.drop_column("songs", "has_sound")
    for name in reversed(_COLUMNS):
        op.drop_column("sources", name)
    # The code of before knows folders alone.
    kind = sa.table("sources", sa.column("kind"))
    op.execute(sa.delete(kind).where(kind.c.kind != "folder"))
    _add_check()


def _drop_check() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _edit(rf"\s*{re.escape(_CHECK)},", "")
    else:
        op.drop_constraint("ck_sources_kind", "sources")


def _add_check() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _edit(r"(\s*CONSTRAINT pk_sources)", rf" {_CHECK}, \1")
    else:
        op.create_check_constraint(op.f("ck_sources_kind"), "sources", "kind IN ('folder')")


def _edit(pattern: str, replacement: str) -> None:
    """Edit the table's text: SQLite's own way to change a check (sqlite.org/lang_altertable.html).

    A table that is made anew would take all songs with it: they refer to it, and a transaction
    cannot leave their references aside.
    """
    connection = op.get_bind()
    named = "type = 'table' AND name = 'sources'"
    before = connection.scalar(sa.text(f"SELECT sql FROM sqlite_schema WHERE {named}"))  # noqa: S608
    after, count = re.subn(pattern, replacement, str(before))
    if count != 1:
        raise RuntimeError(f"The table sources has another form than it should: {before}")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    statement = f"UPDATE sqlite_schema SET sql = :sql WHERE {named}"  # noqa: S608 - two constants
    connection.execute(sa.text(statement), {"sql": after})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
