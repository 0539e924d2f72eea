"""Find the proposals of a song or a playlist that is deleted by an index."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
oldest_code = "0002"

_INDEXED = ("song_id", "playlist_id")


def upgrade() -> None:
    for name in _INDEXED:
        op.create_index(f"ix_matches_account_id_{name}", "matches", ["account_id", name])


def downgrade() -> None:
    for name in _INDEXED:
        op.drop_index(f"ix_matches_account_id_{name}", "matches")
