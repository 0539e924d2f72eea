"""Know recordings by their ids, and which song is shown in the place of another one."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
oldest_code = "0002"

_BEFORE = "origin IN ('list', 'rating', 'heart')"
_AFTER = "origin IN ('list', 'rating', 'heart', 'same')"
_CHECK = "ck_liked_songs_origin"
_INDEX = "ix_songs_account_id_shown_as"


def upgrade() -> None:
    op.add_column("songs", sa.Column("isrc", sa.String(length=12), nullable=True))
    op.add_column("songs", sa.Column("recording_mbid", sa.String(length=36), nullable=True))
    op.add_column("songs", sa.Column("shown_as", sa.Uuid(), nullable=True))
    op.add_column("playlist_entries", sa.Column("named_id", sa.Uuid(), nullable=True))
    known = sa.text("shown_as IS NOT NULL")
    columns = ["account_id", "shown_as"]
    op.create_index(_INDEX, "songs", columns, sqlite_where=known, postgresql_where=known)
    _allow(_BEFORE, _AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM liked_songs WHERE origin = 'same'")
    _allow(_AFTER, _BEFORE)
    # The code of before shows every song that its source has, by itself.
    op.execute("UPDATE songs SET present = true WHERE shown_as IS NOT NULL AND gone_at IS NULL")
    op.execute("UPDATE playlist_entries SET song_id = named_id WHERE named_id IS NOT NULL")
    op.drop_index(_INDEX, "songs")
    op.drop_column("playlist_entries", "named_id")
    op.drop_column("songs", "shown_as")
    op.drop_column("songs", "recording_mbid")
    op.drop_column("songs", "isrc")


def _allow(before: str, after: str) -> None:
    """Have the table's check allow other origins."""
    if op.get_bind().dialect.name == "sqlite":
        _edit(re.escape(before), after)
        return
    op.drop_constraint(_CHECK, "liked_songs")
    op.create_check_constraint(op.f(_CHECK), "liked_songs", after)


def _edit(pattern: str, replacement: str) -> None:
    """Edit the table's text: SQLite's way to change a check (sqlite.org/lang_altertable.html)."""
    connection = op.get_bind()
    named = "type = 'table' AND name = 'liked_songs'"
    before = connection.scalar(sa.text(f"SELECT sql FROM sqlite_schema WHERE {named}"))  # noqa: S608
    text, count = re.subn(pattern, replacement, str(before))
    if count != 1:
        raise RuntimeError(f"The table liked_songs has another form than it should: {before}")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    statement = f"UPDATE sqlite_schema SET sql = :sql WHERE {named}"  # noqa: S608 - two constants
    connection.execute(sa.text(statement), {"sql": text})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
