"""What is loved is the union of lists, stars and hearts, and a sync takes no heart away."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from library import liked_lists, likes, songs
from library.database import Database
from tests.integration.library.conftest import Home
from tests.integration.library.test_migrations import run, write_as_0002


def loved(session: Session, home: Home) -> set[str]:
    rows = songs.page(session, account_id=home.id, liked_only=True)
    assert {row.id for row in rows} == likes.ids(session, account_id=home.id)
    assert len(rows) == likes.count(session, account_id=home.id)
    assert songs.counts(session, account_id=home.id)[1] == len(rows)
    return {row.title for row in rows}


def test_a_song_is_loved_as_long_as_anything_says_so(session: Session, home: Home) -> None:
    a, b, c = home.song("a", rating_stars=5.0), home.song("b", rating_stars=4.0), home.song("c")
    mine = {"account_id": home.id}
    likes.replace(session, **mine, song_ids=[a.id, c.id])
    likes.follow_ratings(session, **mine, source_id=home.source.id)
    assert likes.set_heart(session, **mine, song_id=a.id, is_loved=True)
    assert likes.set_heart(session, **mine, song_id=a.id, is_loved=True)
    assert likes.hearts(session, **mine, song_ids=[a.id, b.id]) == {a.id}
    assert loved(session, home) == {"a", "b", "c"}
    likes.replace(session, **mine, song_ids=[])
    assert loved(session, home) == {"a", "b"}
    liked_lists.set_bound(session, **mine, source_id=home.source.id, stars=5)
    likes.follow_ratings(session, **mine, source_id=home.source.id)
    assert loved(session, home) == {"a"}
    liked_lists.set_bound(session, **mine, source_id=home.source.id, stars=0)
    likes.follow_ratings(session, **mine, source_id=home.source.id)
    assert loved(session, home) == {"a"}
    assert likes.set_heart(session, **mine, song_id=a.id, is_loved=False)
    assert loved(session, home) == set()


def test_a_heart_is_for_ones_own_songs_that_are_there(
    session: Session, home: Home, make_home: Callable[[], Home]
) -> None:
    other = make_home().song("x")
    gone = home.song("gone")
    home.lose(songs=["gone"])
    for song_id in (other.id, gone.id, uuid4()):
        assert not likes.set_heart(session, account_id=home.id, song_id=song_id, is_loved=True)
    assert likes.ids(session, account_id=home.id) == set()


def test_a_heart_comes_back_with_its_song(session: Session, home: Home) -> None:
    a = home.song("a")
    likes.set_heart(session, account_id=home.id, song_id=a.id, is_loved=True)
    home.lose(songs=["a"])
    likes.replace(session, account_id=home.id, song_ids=[])
    assert likes.count(session, account_id=home.id) == 0
    home.song("a")
    assert loved(session, home) == {"a"}


def test_lists_are_loved_by_name_or_as_their_person_chose(
    session: Session, home: Home, make_home: Callable[[], Home]
) -> None:
    mine = {"account_id": home.id, "source_id": home.source.id}
    home.playlist("mix.m3u")
    liked_lists.set_found(session, **mine, lists={"liked.m3u": "Liked", "stars.m3u": "Starred"})
    choose = {**mine, "external_id": "mix.m3u"}
    assert liked_lists.choose(session, **choose, is_liked=True)
    assert liked_lists.choose(session, **{**choose, "external_id": "stars.m3u"}, is_liked=False)
    assert not liked_lists.choose(session, **{**choose, "external_id": "no.m3u"}, is_liked=True)
    other = make_home()
    theirs = {**choose, "account_id": other.id, "source_id": other.source.id}
    assert not liked_lists.choose(session, **theirs, is_liked=True)
    chosen = {"mix.m3u": True, "stars.m3u": False}
    assert liked_lists.chosen(session, source_id=home.source.id) == chosen
    # A list that is no more, and one that could not be looked at.
    liked_lists.set_found(session, **mine, lists={}, is_unread={"liked.m3u"}.__contains__)
    assert len(liked_lists.known(session, source_id=home.source.id)) == 3
    liked_lists.set_found(session, **mine, lists={"mix.m3u": "Mixed"})
    known = liked_lists.known(session, source_id=home.source.id)
    assert [(found.name, found.is_liked) for found in known] == [
        ("Mixed", True),
        ("Starred", False),
    ]


@pytest.mark.parametrize("revision", ["0013", "0002"])
def test_what_was_loved_before_is_loved_by_its_list(
    empty_database: Database, revision: str
) -> None:
    run(empty_database, "upgrade", "0002")
    write_as_0002(empty_database)
    run(empty_database, "upgrade", "head")
    with empty_database.session() as session:
        rows = session.execute(text("SELECT origin, said_by FROM liked_songs")).all()
        assert [tuple(row) for row in rows] == [("list", None)]
        session.execute(
            text(
                "INSERT INTO liked_songs (account_id, song_id, liked_at, origin)"
                " SELECT account_id, song_id, liked_at, 'heart' FROM liked_songs"
            )
        )
    run(empty_database, "downgrade", revision)
    with empty_database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM liked_songs")) == 1
