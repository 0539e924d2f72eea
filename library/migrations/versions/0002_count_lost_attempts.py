"""Count the attempts of which the worker was lost, and find the active jobs by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
oldest_code = "0001"

_ACTIVE = sa.text("status IN ('pending', 'running', 'retrying')")


def upgrade() -> None:
    losses = sa.Column("losses", sa.Integer(), nullable=False, server_default=sa.text("0"))
    op.add_column("jobs", losses)
    op.create_index(
        "ix_jobs_active",
        "jobs",
        ["created_at"],
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_active", "jobs")
    op.drop_column("jobs", "losses")
