"""Indexes and a text to search, for libraries of many songs."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest_code = "0002"

_BATCH = 1_000


def upgrade() -> None:
    op.add_column("songs", sa.Column("search_text", sa.String(), nullable=False, server_default=""))
    op.create_index(
        "ix_songs_present",
        "songs",
        ["account_id", "id"],
        sqlite_where=sa.text("present = 1"),
        postgresql_where=sa.text("present"),
    )
    op.drop_index("ix_matches_account_id_rank_score", "matches")
    op.create_index(
        "ix_matches_account_id_rank_score_song_id",
        "matches",
        ["account_id", "rank", "score", "song_id"],
    )
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    songs = sa.table(
        "songs", *(sa.column(n) for n in ("id", "title", "artist", "album", "search_text"))
    )
    query = sa.select(songs.c.id, songs.c.title, songs.c.artist, songs.c.album).order_by(songs.c.id)
    change = (
        songs.update()
        .where(songs.c.id == sa.bindparam("song_id"))
        .values(search_text=sa.bindparam("text"))
    )
    rows = connection.execute(query.limit(_BATCH)).all()
    while rows:
        connection.execute(change, [{"song_id": key, "text": _text(*t)} for key, *t in rows])
        rows = connection.execute(query.where(songs.c.id > rows[-1].id).limit(_BATCH)).all()


def _text(*texts: str | None) -> str:
    # As `library.songs.searchable` was at this revision.
    joined = "\n".join(text for text in texts if text)
    parts = unicodedata.normalize("NFKD", joined.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def downgrade() -> None:
    op.drop_index("ix_matches_account_id_rank_score_song_id", "matches")
    op.create_index("ix_matches_account_id_rank_score", "matches", ["account_id", "rank", "score"])
    op.drop_index("ix_songs_present", "songs")
    op.drop_column("songs", "search_text")
