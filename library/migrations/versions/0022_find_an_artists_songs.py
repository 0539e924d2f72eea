"""Find the songs of an artist without reading all of the account's."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
oldest_code = "0002"

_INDEX = "ix_songs_account_id_artist"


def upgrade() -> None:
    op.create_index(
        _INDEX,
        "songs",
        ["account_id", "artist"],
        sqlite_where=sa.text("artist IS NOT NULL"),
        postgresql_where=sa.text("artist IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(_INDEX, "songs")
