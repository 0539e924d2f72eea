"""Find songs and playlists again whose files were moved, and leave unchanged lists unread."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.add_column("songs", sa.Column("former_names", sa.JSON(), nullable=True))
    op.create_table(
        "list_files",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("modified_ns", sa.String(length=20), nullable=True),
        sa.Column("inode", sa.String(length=20), nullable=True),
        sa.Column("content_key", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "source_id"],
            ["sources.account_id", "sources.id"],
            name=op.f("fk_list_files_account_id_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "external_id", name=op.f("pk_list_files")),
    )


def downgrade() -> None:
    op.drop_table("list_files")
    op.drop_column("songs", "former_names")
