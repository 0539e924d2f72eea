"""What cannot be heard is remembered as it is, by the analyser that tried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from library import features, songs, unheard
from tests.integration.library.conftest import Home

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_a_song_is_tried_again_only_when_it_or_the_analyser_changes(
    session: Session, home: Home, make_home: Callable[[], Home]
) -> None:
    bad, good = home.song("bad", size_bytes=1), home.song("good")
    make_home().song("other")
    mine = {"account_id": home.id}

    def waiting(version: int = 3) -> set[str]:
        found = features.to_analyse(session, **mine, analyser_version=version)
        return {song.title for song in found}

    assert waiting() == {"bad", "good"}
    (known,) = features.by_ids(session, **mine, song_ids=[bad.id])
    for reason in ("Worse.", "Damaged."):
        unheard.remember(session, **mine, song=known, analyser_version=3, reason=reason)
    assert waiting() == {"good"}
    assert waiting(version=4) == {"bad", "good"}
    assert unheard.count(session, **mine) == 1
    told = list(unheard.since(session, **mine, analyser_version=3, since=LONG_AGO))
    assert [(song.id, reason) for song, reason in told] == [(bad.id, "Damaged.")]
    assert not list(unheard.since(session, **mine, analyser_version=4, since=LONG_AGO))
    later = {"since": datetime.now(UTC), "analyser_version": 3}
    assert not list(unheard.since(session, **mine, **later))
    shown = {row.title: row.unheard for row in songs.page(session, **mine)}
    assert shown == {"bad": "Damaged.", "good": None}

    home.song("bad", size_bytes=2)
    assert waiting() == {"bad", "good"}
    home.heard(bad, version=3)
    home.heard(good, version=3)
    assert waiting() == set()
    assert unheard.count(session, **mine) == 0


def test_a_song_that_is_gone_is_not_counted(session: Session, home: Home) -> None:
    bad = home.song("bad")
    (known,) = features.by_ids(session, account_id=home.id, song_ids=[bad.id])
    unheard.remember(session, account_id=home.id, song=known, analyser_version=3, reason="No.")
    home.lose(songs=["bad"])
    assert unheard.count(session, account_id=home.id) == 0
