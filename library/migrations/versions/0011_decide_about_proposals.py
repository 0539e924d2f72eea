"""Queues of proposals, and decisions that can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
oldest_code = "0002"

_RANKED = "ix_matches_account_id_rank_score_song_id"
_QUEUED = "ix_matches_account_id_queue_score_song_id"
_OF_LIST = "ix_matches_account_id_playlist_id"
_OF_LIST_BY_SCORE = "ix_matches_account_id_playlist_id_score_song_id"
_DECIDED = "ix_decisions_account_id_decided_at_id"
_BATCH = "ix_decisions_account_id_batch_id"

# Every column may be empty: SQLite makes a table anew for any other change, and code of before
# goes on writing rows.
_NEW = {
    "matches": (("queue", sa.String(length=10)), ("model_version", sa.String(length=60))),
    "decisions": (
        ("reasons", sa.JSON()),
        ("undone_at", sa.DateTime(timezone=True)),
        ("batch_id", sa.Uuid()),
    ),
}


def upgrade() -> None:
    for table, new in _NEW.items():
        for name, kind in new:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.execute("UPDATE matches SET queue = 'liked' WHERE rank = 1")
    op.drop_index(_RANKED, "matches")
    op.drop_index(_OF_LIST, "matches")
    op.create_index(_QUEUED, "matches", ["account_id", "queue", "score", "song_id"])
    op.create_index(_OF_LIST_BY_SCORE, "matches", ["account_id", "playlist_id", "score", "song_id"])
    op.create_index(_DECIDED, "decisions", ["account_id", "decided_at", "id"])
    known = sa.text("batch_id IS NOT NULL")
    op.create_index(
        _BATCH, "decisions", ["account_id", "batch_id"], sqlite_where=known, postgresql_where=known
    )


def downgrade() -> None:
    op.drop_index(_BATCH, "decisions")
    op.drop_index(_DECIDED, "decisions")
    op.drop_index(_OF_LIST_BY_SCORE, "matches")
    op.drop_index(_QUEUED, "matches")
    op.create_index(_OF_LIST, "matches", ["account_id", "playlist_id"])
    op.create_index(_RANKED, "matches", ["account_id", "rank", "score", "song_id"])
    for table, new in _NEW.items():
        for name, _ in reversed(new):
            op.drop_column(table, name)
