"""Keep what a person loves by its origin, stars, and which lists are of loved songs."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
oldest_code = "0002"

_OF_SONG = ["account_id", "song_id"]
_CHECK = "origin IN ('list', 'rating', 'heart')"


def _origin() -> sa.Column[str]:
    return sa.Column("origin", sa.String(length=10), nullable=False, server_default="list")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew([*_OF_SONG, "origin"], _origin(), check=True)
    else:
        op.add_column("liked_songs", _origin())
        op.drop_constraint("pk_liked_songs", "liked_songs", type_="primary")
        op.create_primary_key("pk_liked_songs", "liked_songs", [*_OF_SONG, "origin"])
        op.create_check_constraint(op.f("ck_liked_songs_origin"), "liked_songs", _CHECK)
    op.add_column("songs", sa.Column("rating_stars", sa.Double(), nullable=True))
    op.add_column(
        "sources", sa.Column("liked_from_stars", sa.Integer(), nullable=False, server_default="4")
    )
    op.create_table(
        "liked_lists",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_liked", sa.Boolean(), nullable=False),
        sa.Column("is_chosen", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "source_id"],
            ["sources.account_id", "sources.id"],
            name=op.f("fk_liked_lists_account_id_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "external_id", name=op.f("pk_liked_lists")),
    )


def downgrade() -> None:
    op.drop_table("liked_lists")
    op.drop_column("sources", "liked_from_stars")
    op.drop_column("songs", "rating_stars")
    op.execute("DELETE FROM liked_songs WHERE origin <> 'list'")
    if op.get_bind().dialect.name == "sqlite":
        _make_anew(_OF_SONG, check=False)
    else:
        op.drop_constraint("ck_liked_songs_origin", "liked_songs")
        op.drop_constraint("pk_liked_songs", "liked_songs", type_="primary")
        op.drop_column("liked_songs", "origin")
        op.create_primary_key("pk_liked_songs", "liked_songs", _OF_SONG)


def _make_anew(key: list[str], *more: sa.Column[str], check: bool) -> None:
    """Make the table with another key, which SQLite cannot change; no other table refers to it."""
    op.rename_table("liked_songs", "liked_songs_before")
    op.create_table(
        "liked_songs",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("song_id", sa.Uuid(), nullable=False),
        sa.Column("liked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_by", sa.String(), nullable=True),
        *more,
        sa.ForeignKeyConstraint(
            _OF_SONG,
            ["songs.account_id", "songs.id"],
            name=op.f("fk_liked_songs_account_id_song_id"),
            ondelete="CASCADE",
        ),
        *([sa.CheckConstraint(_CHECK, name=op.f("ck_liked_songs_origin"))] if check else []),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_liked_songs")),
    )
    columns = "account_id, song_id, liked_at, said_by"
    copied = f"SELECT {columns} FROM liked_songs_before"  # noqa: S608 - two constants
    op.execute(f"INSERT INTO liked_songs ({columns}) {copied}")
    op.drop_table("liked_songs_before")
