"""Find the songs without sound, of which most accounts have none, without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
oldest_code = "0002"

_INDEX = "ix_songs_without_sound"


def upgrade() -> None:
    op.create_index(
        _INDEX,
        "songs",
        ["account_id", "id"],
        sqlite_where=sa.text("has_sound = 0"),
        postgresql_where=sa.text("NOT has_sound"),
    )


def downgrade() -> None:
    op.drop_index(_INDEX, "songs")
