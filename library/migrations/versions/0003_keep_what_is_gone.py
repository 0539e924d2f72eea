"""Keep what is gone, know it again when it comes back, and keep decisions apart from both."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_code = "0002"

#: By what a song or a playlist is found again, whatever its name.
_FILE = (
    ("identity", sa.Uuid()),
    ("device", sa.String(length=20)),
    ("inode", sa.String(length=20)),
    ("gone_at", sa.DateTime(timezone=True)),
)
_NEW = {
    "sources": (
        ("synced_location", sa.String()),
        ("synced_at", sa.DateTime(timezone=True)),
    ),
    "songs": (*_FILE, ("audio_key", sa.String(length=64))),
    "playlists": (
        *_FILE,
        ("content_key", sa.String(length=64)),
        ("size_bytes", sa.BigInteger()),
        ("modified_ns", sa.String(length=20)),
    ),
    "liked_songs": (("said_by", sa.String()),),
}
_INDEXES = (
    ("ix_songs_account_id_identity", "songs", ["account_id", "identity"], True),
    ("ix_playlists_account_id_identity", "playlists", ["account_id", "identity"], True),
    ("ix_songs_account_id_audio_key", "songs", ["account_id", "audio_key"], False),
    ("ix_songs_gone_at", "songs", ["gone_at"], False),
    ("ix_playlists_gone_at", "playlists", ["gone_at"], False),
)


def upgrade() -> None:
    # Every column may be empty, and no table is made anew: code of before goes on writing rows,
    # and SQLite, which makes a table anew by dropping it, would empty those that refer to it.
    for table, new in _NEW.items():
        for name, kind in new:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    for name, table, columns, is_unique in _INDEXES:
        known = sa.text(f"{columns[-1]} IS NOT NULL")
        op.create_index(
            name, table, columns, unique=is_unique, sqlite_where=known, postgresql_where=known
        )
    songs = sa.table("songs", sa.column("present", sa.Boolean()), sa.column("gone_at", _FILE[3][1]))
    op.execute(songs.update().where(~songs.c.present).values(gone_at=datetime.now(UTC)))
    _make_decisions()


def _make_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("song_identity", sa.Uuid(), nullable=False),
        sa.Column("playlist_identity", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("model_version", sa.String(length=60), nullable=True),
        sa.Column("song_label", sa.String(), nullable=False),
        sa.Column("playlist_name", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('accepted', 'rejected')", name=op.f("ck_decisions_verdict")
        ),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_decisions_score")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_decisions_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint(
            "account_id",
            "song_identity",
            "playlist_identity",
            name=op.f("uq_decisions_account_id_song_identity_playlist_identity"),
        ),
    )


def downgrade() -> None:
    op.drop_table("decisions")
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    for table, new in _NEW.items():
        for name, _ in reversed(new):
            op.drop_column(table, name)
