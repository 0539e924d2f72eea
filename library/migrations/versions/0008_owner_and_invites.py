"""Know the installation's owner, and the invitations to make an account."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
oldest_code = "0002"

_OWNER = sa.text("is_owner")


def upgrade() -> None:
    # Nobody is made the owner here: which account it is, the tables of before do not say.
    is_owner: sa.Column[bool] = sa.Column(
        "is_owner", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("accounts", is_owner)
    op.create_index(
        "ix_accounts_one_owner",
        "accounts",
        ["is_owner"],
        unique=True,
        sqlite_where=_OWNER,
        postgresql_where=_OWNER,
    )
    op.create_table(
        "invites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_invites_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invites_token_hash")),
    )
    op.create_index("ix_invites_account_id", "invites", ["account_id"])
    op.create_index("ix_invites_expires_at", "invites", ["expires_at"])


def downgrade() -> None:
    op.drop_table("invites")
    op.drop_index("ix_accounts_one_owner", "accounts")
    op.drop_column("accounts", "is_owner")
