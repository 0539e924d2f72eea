"""Remember what cannot be heard, and what of a damaged file was not."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.create_table(
        "unheard_songs",
        sa.Column("song_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("analyser_version", sa.Integer(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "song_id"],
            ["songs.account_id", "songs.id"],
            name=op.f("fk_unheard_songs_account_id_song_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("song_id", name=op.f("pk_unheard_songs")),
    )
    op.create_index(
        "ix_unheard_songs_account_id_song_id", "unheard_songs", ["account_id", "song_id"]
    )
    op.add_column("features", sa.Column("damage", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("features", "damage")
    op.drop_table("unheard_songs")
