"""Which playlists a song is in, and which are nearly the same; on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from library import overlaps
from tests.integration.library.conftest import Home


def test_the_playlists_of_a_song_are_told_by_name_each_once(
    session: Session, home: Home, make_home: Callable[[], Home]
) -> None:
    song = home.song("a")
    home.playlist("z", song, song)
    home.playlist("b", song)
    home.playlist("gone", song)
    home.playlist("other", home.song("x"))
    home.lose(playlists=["gone"])
    found = overlaps.playlists_of(session, account_id=home.id, song_id=song.id)
    assert [kept.name for kept in found] == ["b", "z"]
    assert overlaps.playlists_of(session, account_id=make_home().id, song_id=song.id) == []


def test_playlists_with_most_songs_in_common_are_nearly_the_same(
    session: Session, home: Home
) -> None:
    a, b, c, d, gone = (home.song(name) for name in "abcde")
    first = home.playlist("first", a, b, c, d, gone)
    home.playlist("same", d, c, b, a, a)
    home.playlist("most", a, b, c)
    home.playlist("half", a, b)
    home.playlist("none", gone)
    empty = home.playlist("empty")
    home.lose(songs=["e"])

    def found(least: float) -> list[tuple[str, int, float]]:
        alike = overlaps.nearly_the_same(
            session, account_id=home.id, playlist_id=first.id, least=least
        )
        return [(other.name, other.common, other.overlap) for other in alike]

    assert found(0.6) == [("same", 4, 1.0), ("most", 3, 0.75)]
    assert found(0.1)[-1] == ("half", 2, pytest.approx(0.5))
    assert overlaps.nearly_the_same(session, account_id=home.id, playlist_id=empty.id) == []
