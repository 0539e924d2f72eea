"""Indexes that count a library without a join of all its rows."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.create_index(
        "ix_songs_gone",
        "songs",
        ["account_id", "id"],
        sqlite_where=sa.text("present = 0"),
        postgresql_where=sa.text("NOT present"),
    )
    op.create_index("ix_features_account_id_song_id", "features", ["account_id", "song_id"])


def downgrade() -> None:
    op.drop_index("ix_features_account_id_song_id", "features")
    op.drop_index("ix_songs_gone", "songs")
