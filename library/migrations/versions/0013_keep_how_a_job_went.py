"""Keep how a job went in its row, for when its log is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("run", sa.JSON()))


def downgrade() -> None:
    op.drop_column("jobs", "run")
