"""Name the places of a playlist whose songs are not there, and keep several artists apart."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.create_table(
        "missing_entries",
        sa.Column("playlist_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "playlist_id"],
            ["playlists.account_id", "playlists.id"],
            name=op.f("fk_missing_entries_account_id_playlist_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("playlist_id", "position", name=op.f("pk_missing_entries")),
    )
    op.add_column("songs", sa.Column("artists", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("songs", "artists")
    op.drop_table("missing_entries")
