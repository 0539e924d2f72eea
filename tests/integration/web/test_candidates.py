"""Songs that may belong into a playlist are put in or turned away on a page of their own."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from benchmarks._seed import Size, seed
from library import matches, overlaps, pairs, playlists
from library.database import Database
from library.models import Match
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


def twin(desk: Desk) -> UUID:
    """A playlist of the same songs."""
    with desk.database.session() as session:
        kept = playlists.page(session, **desk.mine)
        (mine,) = (row for row in kept if row.id == desk.list_id)
        members = playlists.members(session, **desk.mine)
        made = playlists.save(
            session,
            **desk.mine,
            source_id=session.get_one(overlaps.Playlist, mine.id).source_id,
            external_id="twin.m3u",
            name="Its twin",
            song_ids=members[mine.id],
        )
        return made.id


def test_a_playlist_that_is_nearly_the_same_is_named(desk: Desk) -> None:
    made = twin(desk)
    text = desk.person.browser.get(desk.path).text
    assert "Its twin" in text
    assert "100&nbsp;% of both" in text
    found = desk.person.browser.get(f"/api/playlists/{desk.list_id}/alike").json["playlists"]
    assert [(row["playlist"], row["name"], row["overlap"]) for row in found] == [
        (str(made), "Its twin", 1.0)
    ]


def walk_api(desk: Desk, path: str, name: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    while path:
        answer = desk.person.browser.get(path).json
        found += answer[name]
        path = answer["links"]["next"]
    return found


def test_programs_are_told_all_candidates_page_by_page(desk: Desk) -> None:
    rows = walk_api(desk, f"/api/playlists/{desk.list_id}/candidates?least=40", "candidates")
    known = [song for song in desk.candidates() if song.score >= 0.4]
    assert len(known) > 50
    assert [(row["song"], row["title"], row["artist"]) for row in rows] == [
        (str(song.song_id), song.title, song.artist) for song in known
    ]
    assert [row["score"] for row in rows] == pytest.approx([song.score for song in known], abs=1e-4)
    assert rows[0]["reasons"] == list(known[0].reasons)


def test_programs_are_told_what_waits_and_where_songs_are(desk: Desk) -> None:
    with desk.database.session() as session:
        members = playlists.members(session, **desk.mine)[desk.list_id]
        waits = {row.song_id for row in matches.page(session, **desk.mine, limit=500)}
        misplaced = next(song for song in members if song in waits)
        of_song = Match.song_id == misplaced, Match.rank == 1
        session.execute(update(Match).where(*of_song).values(queue="misplaced"))
    (row,) = walk_api(desk, "/api/proposals?queue=misplaced", "proposals")
    own = {"playlist": str(desk.list_id), "name": row["playlists"][0]["name"]}  # type: ignore[index]
    assert row["song"] == str(misplaced)
    assert own in row["playlists"]  # type: ignore[operator]
    of_song_path = f"/api/songs/{misplaced}/playlists"
    assert desk.person.browser.get(of_song_path).json["playlists"] == row["playlists"]
    assert desk.person.browser.get(of_song_path).json["proposed"] == row["proposed"]
    assert len(walk_api(desk, "/api/proposals", "proposals")) == len(waits) - 1
    page = desk.person.browser.get("/proposals?queue=misplaced").text
    assert re.search(r"Now in (<a [^>]*>.*?</a>, )*<a [^>]*" + str(desk.list_id), page)
