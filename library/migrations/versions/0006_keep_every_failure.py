"""Keep every failed item of a job, and let old jobs be removed without a long search."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest_code = "0002"

_INDEXES = (
    ("ix_matches_job_id", "matches", "job_id"),
    ("ix_jobs_retry_of", "jobs", "retry_of"),
    ("ix_jobs_finished_at", "jobs", "finished_at"),
)


def upgrade() -> None:
    op.create_table(
        "item_failures",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("item_kind", sa.String(length=40), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "job_id"],
            ["jobs.account_id", "jobs.id"],
            name=op.f("fk_item_failures_account_id_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_failures")),
        sa.UniqueConstraint(
            "job_id",
            "item_kind",
            "item_id",
            name=op.f("uq_item_failures_job_id_item_kind_item_id"),
        ),
    )
    op.create_index("ix_item_failures_job_id_id", "item_failures", ["job_id", "id"])
    op.create_index(
        "ix_item_failures_job_id_reason_id", "item_failures", ["job_id", "reason", "id"]
    )
    for name, table, column in _INDEXES:
        known = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], sqlite_where=known, postgresql_where=known)
    if op.get_context().dialect.name == "sqlite":
        op.create_index(
            "ix_songs_search",
            "songs",
            ["account_id", "title", "id", "search_text"],
            sqlite_where=sa.text("present = 1"),
        )


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.drop_index("ix_songs_search", "songs")
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    op.drop_table("item_failures")
