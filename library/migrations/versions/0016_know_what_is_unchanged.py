"""Note by which rules a source was read, so that what is unchanged is not read again."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.add_column("sources", sa.Column("read_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("sources", "read_version")
