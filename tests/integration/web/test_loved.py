"""Hearts on songs, and the page that says which lists and stars mean that a song is loved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

import pytest

from library import account_sources, liked_lists, likes, playlists, songs
from library.sources.records import EntryRecord, SongRecord
from tests.integration.web.conftest import Person, Site


@dataclass(frozen=True)
class Shelf:
    """Somebody with two songs, one of them with five stars, and a playlist."""

    site: Site
    ada: Person
    song: UUID
    rated: UUID
    playlist: UUID
    source: UUID

    @property
    def page(self) -> str:
        return f"/sources/{self.source}"

    def loved(self) -> set[UUID]:
        with self.site.runtime.database.reading() as session:
            return likes.ids(session, account_id=self.ada.account_id)


@pytest.fixture
def shelf(site: Site) -> Shelf:
    ada = site.person()
    mine = {"account_id": ada.account_id}
    with site.runtime.database.session() as session:
        source = account_sources.add(session, **mine, location="/srv/music", name="music")
        here = {**mine, "source_id": source.id}
        song = songs.save(session, **here, record=SongRecord("a.flac", "Ann's song"))
        record = SongRecord("b.flac", "Starry", rating_stars=5.0)
        rated = songs.save(session, **here, record=record)
        away = EntryRecord(None, is_missing=True, label="Away", place="/x/Away.flac")
        kept = playlists.save(
            session, **here, external_id="mix.m3u", name="Mix", song_ids=[song.id, None],
            missing={1: away},
        )  # fmt: skip
        return Shelf(site, ada, song.id, rated.id, kept.id, source.id)


def test_a_heart_is_given_and_taken_on_the_page_without_a_script(shelf: Shelf) -> None:
    browser = shelf.ada.browser
    page = browser.get("/library?search=song").text
    assert 'aria-pressed="false"' in page
    where = re.search(r'name="next" value="([^"]+)"', page)
    assert where is not None
    answer = shelf.ada.submit(f"/songs/{shelf.song}/heart", loved="yes", next=where[1])
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/library?search=song#song-{shelf.song}"
    assert shelf.loved() == {shelf.song}
    page = browser.get("/library?liked=yes").text
    assert 'aria-pressed="true"' in page
    assert "Ann&#39;s song" in page
    shelf.ada.submit(f"/songs/{shelf.song}/heart", loved="no", next="https://evil.example/")
    assert shelf.loved() == set()


def test_a_heart_goes_to_no_other_site(shelf: Shelf) -> None:
    answer = shelf.ada.submit(f"/songs/{shelf.song}/heart", loved="yes", next="//evil.example/")
    assert answer.headers["Location"].startswith("/library#")


def test_a_heart_is_given_and_taken_by_the_api(shelf: Shelf) -> None:
    browser, path = shelf.ada.browser, f"/api/songs/{shelf.song}/heart"
    assert browser.put(path).status_code == 400  # without the token
    assert shelf.loved() == set()
    for _ in range(2):
        assert shelf.ada.send("PUT", path).status_code == 204
    assert shelf.loved() == {shelf.song}
    for _ in range(2):
        assert shelf.ada.send("DELETE", path).status_code == 204
    assert shelf.loved() == set()


@pytest.mark.parametrize("name", ["no-id", str(UUID(int=7))])
def test_a_song_that_is_not_ones_own_has_no_heart_to_give(shelf: Shelf, name: str) -> None:
    bob = shelf.site.person()
    for song in (name, str(shelf.song)):
        assert bob.send("PUT", f"/api/songs/{song}/heart").status_code == 404
        assert bob.submit(f"/songs/{song}/heart", loved="yes").status_code == 404
    assert shelf.loved() == set()


def test_the_page_of_the_source_tells_what_is_read_and_what_is_missing(shelf: Shelf) -> None:
    page = shelf.ada.browser.get(shelf.page).text
    assert "not read yet" in page
    assert "1 song not there" in page
    missing = shelf.ada.browser.get(f"/playlists/{shelf.playlist}").text
    assert "Away" in missing
    assert "/x/Away.flac" in missing


def test_stars_count_from_the_bound_on_that_is_chosen(shelf: Shelf) -> None:
    shelf.ada.submit(f"{shelf.page}/stars", stars="5")
    assert shelf.loved() == {shelf.rated}
    assert '<option value="5" selected>' in shelf.ada.browser.get(shelf.page).text
    shelf.ada.submit(f"{shelf.page}/stars", stars="0")
    assert shelf.loved() == set()
    for nonsense in ("", "7", "-1", "x"):
        assert shelf.ada.submit(f"{shelf.page}/stars", stars=nonsense).status_code == 400


def test_a_list_is_chosen_to_be_of_loved_songs_and_is_none_again(shelf: Shelf) -> None:
    def chosen() -> dict[str, bool]:
        with shelf.site.runtime.database.reading() as session:
            (source,) = account_sources.of_account(session, account_id=shelf.ada.account_id)
            return liked_lists.chosen(session, source_id=source.id)

    shelf.ada.submit(f"{shelf.page}/lists", list="mix.m3u", loved="yes")
    assert chosen() == {"mix.m3u": True}
    page = shelf.ada.browser.get(shelf.page).text
    assert "is a list of songs you love, as you said" in page
    shelf.ada.submit(f"{shelf.page}/lists", list="mix.m3u", loved="no")
    assert chosen() == {"mix.m3u": False}
    for form in ({"list": "no.m3u"}, {}):
        assert shelf.ada.submit(f"{shelf.page}/lists", loved="yes", **form).status_code == 404
    bob = shelf.site.person()
    answer = bob.submit(f"{shelf.page}/lists", list="mix.m3u", loved="yes")
    assert answer.status_code == 404


def test_the_choices_are_each_sources_own(shelf: Shelf) -> None:
    with shelf.site.runtime.database.session() as session:
        mine = {"account_id": shelf.ada.account_id}
        other = account_sources.add(session, **mine, location="/srv/other", name="other")
        record = SongRecord("c.flac", "Fair", rating_stars=3.0)
        fair = songs.save(session, **mine, source_id=other.id, record=record)
    shelf.ada.submit(f"{shelf.page}/stars", stars="5")
    shelf.ada.submit(f"/sources/{other.id}/stars", stars="3")
    assert shelf.loved() == {shelf.rated, fair.id}
    assert '<option value="5" selected>' in shelf.ada.browser.get(shelf.page).text
    answer = shelf.ada.submit(f"/sources/{other.id}/lists", list="mix.m3u", loved="yes")
    assert answer.status_code == 404


def test_the_former_address_leads_to_the_only_source_or_to_all(shelf: Shelf) -> None:
    assert shelf.ada.browser.get("/source").location == shelf.page
    assert shelf.site.person().browser.get("/source").location == "/sources"


def test_where_nothing_is_loved_no_page_says_that_all_songs_have_a_place(shelf: Shelf) -> None:
    assert "no song is loved yet" in shelf.ada.browser.get("/proposals").text
    assert "finds no songs you love" not in shelf.ada.browser.get("/proposals").text
