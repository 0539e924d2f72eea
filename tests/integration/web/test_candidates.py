"""Songs that may belong into a playlist are put in or turned away on a page of their own."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from benchmarks._seed import Size, seed
from library import matches, overlaps, pairs, playlists
from library.database import Database
from tests.integration.web.conftest import PASSWORD_HASH, Person, Site, submit

SIZE = Size(songs=300, liked=20, playlists=3, entries_each=8, proposals=180, jobs=3, failures=0)


class Desk:
    """A person with three playlists, and the one whose candidates are looked at."""

    def __init__(self, site: Site) -> None:
        seeded = seed(site.runtime.database, SIZE, password_hash=PASSWORD_HASH, name=uuid4().hex)
        self.database: Database = site.runtime.database
        self.mine = {"account_id": seeded.account_id}
        self.list_id = UUID(seeded.ids["playlist_id"])
        self.path = f"/playlists/{self.list_id}/candidates"
        self.person = Person(site.client(), seeded.account_id, seeded.email)
        assert self.person.sign_in().status_code == 303

    def candidates(self) -> list[matches.ListedCandidate]:
        with self.database.reading() as session:
            return matches.candidates(session, **self.mine, playlist_id=self.list_id, limit=1_000)

    def shown(self, query: str = "") -> list[str]:
        text = self.person.browser.get(self.path + query).text
        return re.findall(r'name="song" value="([^"]+)"', text)

    def walk(self, query: str = "") -> list[str]:
        """All songs of all pages, by the links between them."""
        found, path = [], self.path + query
        while path:
            text = self.person.browser.get(path).text
            found += re.findall(r'name="song" value="([^"]+)"', text)
            following = re.search(r'href="([^"]*after=[^"]*)"', text)
            path = following[1].replace("&amp;", "&") if following else ""
        return found


@pytest.fixture
def desk(make_site) -> Desk:
    return Desk(make_site())


def test_all_of_them_are_shown_page_by_page_and_above_a_bound(desk: Desk) -> None:
    known = desk.candidates()
    assert len(known) > 100
    assert desk.walk() == [str(song.song_id) for song in known]
    sure = [str(song.song_id) for song in known if song.score >= 0.9]
    assert desk.walk("?least=90") == sure
    assert 0 < len(sure) < len(known)


@pytest.mark.parametrize(("verdict", "told"), [("accept", "goes into"), ("reject", "not go into")])
def test_a_song_is_put_in_or_turned_away_and_leaves_the_page(
    desk: Desk, verdict: str, told: str
) -> None:
    first = desk.candidates()[0]
    fields = {"song": str(first.song_id), "verdict": verdict, "least": "50"}
    answer = submit(desk.person.browser, desk.path, desk.path, **fields)
    assert (answer.status_code, answer.location) == (303, f"{desk.path}?least=50")
    assert told in desk.person.browser.get(answer.location).text
    assert str(first.song_id) not in desk.walk()
    with desk.database.reading() as session:
        assert pairs.in_force(session, **desk.mine) == [
            (first.song_id, desk.list_id, verdict == "accept")
        ]


@pytest.mark.parametrize(
    "fields", [{}, {"song": "x"}, {"verdict": "later"}, {"verdict": "accept:x", "song": "no"}]
)
def test_what_makes_no_sense_is_refused(desk: Desk, fields: dict[str, str]) -> None:
    given = {"song": str(desk.candidates()[0].song_id)} | fields
    assert submit(desk.person.browser, desk.path, desk.path, **given).status_code == 400


def test_another_persons_playlist_is_not_there(desk: Desk, make_site) -> None:
    other = Desk(make_site())
    assert other.person.browser.get(desk.path).status_code == 404


def test_a_playlist_that_is_nearly_the_same_is_named(desk: Desk) -> None:
    with desk.database.session() as session:
        kept = playlists.page(session, **desk.mine)
        (mine,) = (row for row in kept if row.id == desk.list_id)
        members = playlists.members(session, **desk.mine)
        playlists.save(
            session,
            **desk.mine,
            source_id=session.get_one(overlaps.Playlist, mine.id).source_id,
            external_id="twin.m3u",
            name="Its twin",
            song_ids=members[mine.id],
        )
    text = desk.person.browser.get(desk.path).text
    assert "Its twin" in text
    assert "100&nbsp;% of both" in text
