"""What waits to be written into lists, and what was: on both databases, and of no other account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from library import awaited, decisions, write_backs
from library.models import WriteBack, utc_now
from library.writeback.adding import Addition
from library.writeback.entries import NewEntry
from tests.integration.library.conftest import Home


def accept(home: Home, song: str, into: str, *present: str) -> tuple[UUID, UUID]:
    """Have a song be accepted for a list, which has others."""
    kept = home.playlist(into, *(home.song(name) for name in present))
    one = home.song(song)
    ids = {"song_id": one.id, "playlist_id": kept.id}
    assert decisions.accept(home.session, account_id=home.id, **ids) is not None
    return one.id, kept.id


def awaiting(home: Home, **more: object) -> dict[str, list[str]]:
    found = awaited.awaiting_lists(home.session, account_id=home.id, **more)  # type: ignore[arg-type]
    return {one.name: [song.song.external_id for song in one.songs] for one in found}


def test_lists_wait_for_accepted_songs_that_they_do_not_have(
    home: Home, make_home: Callable[[], Home]
) -> None:
    accept(home, "a", "zoo", "b")
    _, middle = accept(home, "a", "Middle")
    accept(home, "c", "apple", "c")  # it has it
    accept(make_home(), "a", "other")
    song, kept = accept(home, "d", "undone")
    (newest, *_) = decisions.page(home.session, account_id=home.id)
    decisions.undo(home.session, account_id=home.id, decision_id=newest.id)
    accept(home, "gone", "empty")
    home.lose(songs=["gone"])
    decisions.reject(home.session, account_id=home.id, song_id=song, playlist_id=kept)
    assert awaiting(home) == {"Middle": ["a"], "zoo": ["a"]}
    assert list(awaiting(home, limit=1)) == ["Middle"]
    assert list(awaiting(home, after=middle, limit=1)) == ["zoo"]
    assert awaiting(home, playlist_ids=[kept]) == {}
    assert list(awaiting(home, playlist_ids=[middle])) == ["Middle"]


def plan(home: Home) -> list[WriteBack]:
    batch_id = uuid4()
    mine = {"account_id": home.id, "batch_id": batch_id}
    found = awaited.awaiting_lists(home.session, account_id=home.id)
    lists = [(one, "0" * 64) for one in found]
    assert write_backs.plan(home.session, **mine, lists=lists) == len(lists)
    # The same form again.
    assert write_backs.plan(home.session, **mine, lists=lists) == len(lists)
    return write_backs.of_batch(home.session, **mine)


def test_a_plan_is_kept_once_carried_through_and_purged(
    home: Home, make_home: Callable[[], Home]
) -> None:
    for name in ("one", "two"):
        accept(home, "a", name)
    other = make_home()
    accept(other, "a", "theirs")
    rows, (theirs,) = plan(home), plan(other)
    assert [row.playlist_name for row in rows] == ["one", "two"]
    mine = {"account_id": home.id, "write_back_id": rows[0].id}
    (song,) = write_backs.songs(home.session, **mine)
    (wanted,) = awaited.by_identity(
        home.session, account_id=home.id, identities=[song.song_identity]
    ).values()
    write_backs.note_songs(
        home.session,
        **mine,
        by_external={"a": song.song_identity},
        addition=Addition(b"", (NewEntry(wanted.song, "a\udcff"),), (), (), "utf-8"),
    )
    write_backs.set_state(home.session, **mine, state="writing", after_key="1" * 64)
    unsettled = write_backs.unsettled(home.session, account_id=home.id)
    assert [row.id for row in unsettled] == [rows[0].id]
    write_backs.set_state(home.session, **mine, state="written")
    home.session.expire_all()
    assert [(s.state, s.place) for s in write_backs.songs(home.session, **mine)] == [
        ("written", "a\ufffd")
    ]
    counts = write_backs.song_counts(
        home.session, account_id=home.id, write_back_ids=[row.id for row in rows]
    )
    assert [counts[row.id].written for row in rows] == [1, 0]

    # Page by page, and nothing of others.
    first, *_ = page = write_backs.page(home.session, account_id=home.id)
    assert {row.id for row in page} == {row.id for row in rows}
    rest = write_backs.page(home.session, account_id=home.id, after=(first.created_at, first.id))
    assert [first.id, *(row.id for row in rest)] == [row.id for row in page]
    assert write_backs.get(home.session, account_id=home.id, write_back_id=theirs.id) is None

    write_backs.forget_plan(home.session, account_id=home.id, batch_id=rows[0].batch_id)
    left = write_backs.page(home.session, account_id=home.id)
    assert [row.playlist_name for row in left] == ["one"]
    assert write_backs.purge(home.session, before=left[0].created_at, limit=9) == []
    later = utc_now() + timedelta(days=1)
    gone = write_backs.purge(home.session, before=later, limit=9)
    assert set(gone) == {(home.id, rows[0].id), (other.id, theirs.id)}
    assert write_backs.songs(home.session, **mine) == []
