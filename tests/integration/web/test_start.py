"""The page of the three steps: where each stands, and which one is next."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import delete

from benchmarks._seed import Size, seed
from library import account_sources, features, jobs, playlists, songs
from library.analysis import ANALYSER_VERSION
from library.models import Playlist
from library.sources.records import SongRecord
from tests.integration.library.conftest import LISTENING
from tests.integration.web.conftest import PASSWORD_HASH, Person, Site

NO_LOVED_SONGS = "Earmark finds no songs you love."
NO_PLAYLISTS = "Earmark finds no playlists to choose from"


def start_page(site: Site, *, liked: int, proposals: int, has_playlists: bool = True) -> str:
    """The start page of an account with one song that was heard, and one that is gone."""
    size = Size(
        songs=2, liked=liked, playlists=3, entries_each=0, proposals=proposals, jobs=1, failures=0
    )
    name = f"start-{liked}-{proposals}-{has_playlists}"
    seeded = seed(site.runtime.database, size, password_hash=PASSWORD_HASH, name=name)
    if not has_playlists:
        with site.runtime.database.session() as session:
            session.execute(delete(Playlist).where(Playlist.account_id == seeded.account_id))
    person = Person(site.client(), seeded.account_id, seeded.email)
    assert person.sign_in().status_code == 303
    return person.browser.get("/").text


def test_one_song_is_one_song(site: Site) -> None:
    page = start_page(site, liked=2, proposals=2)
    assert "1 song, 3 playlists, 1 song you love" in page
    assert "1 song has a proposal" in page
    assert NO_LOVED_SONGS not in page


def test_someone_without_loved_songs_is_told_where_earmark_looks_for_them(site: Site) -> None:
    page = start_page(site, liked=0, proposals=0)
    assert NO_LOVED_SONGS in page
    assert "Liked songs.m3u8" in page
    assert NO_PLAYLISTS not in page


def test_someone_without_playlists_is_told_why_nothing_can_be_matched(site: Site) -> None:
    page = start_page(site, liked=2, proposals=0, has_playlists=False)
    assert NO_PLAYLISTS in page
    assert NO_LOVED_SONGS not in page


def test_a_job_that_was_told_to_stop_says_so_until_it_has(site: Site, ada: Person) -> None:
    with site.runtime.database.session() as session:
        account_sources.add(session, account_id=ada.account_id, location="/music/a", name="Ada's")
    job_id = ada.start("sync").json["id"]
    page = f"/jobs/{job_id}"
    assert '<button class="second">Cancel</button>' in ada.browser.get(page).text
    with site.runtime.database.session() as session:
        # As for a job that a worker is at.
        jobs.request_cancel(
            session, account_id=ada.account_id, job_id=UUID(job_id), now=datetime.now(UTC)
        )
    assert '<button class="second" disabled>Stopping…</button>' in ada.browser.get(page).text


def test_songs_without_sound_are_not_waited_for(site: Site, ada: Person) -> None:
    mine = {"account_id": ada.account_id}
    with site.runtime.database.session() as session:
        source = account_sources.add(session, **mine, location="/m", name="M", kind="folder")
        here = {**mine, "source_id": source.id}
        for name in ("a", "b"):
            songs.save(session, **here, record=SongRecord(name, name, has_sound=name == "a"))
        playlists.save(session, **here, external_id="p", name="P", song_ids=[])
    assert re.findall(r"<button>(\w+)", ada.browser.get("/").text) == ["Analyse"]
    with site.runtime.database.session() as session:
        (song,) = features.to_analyse(session, **mine, analyser_version=ANALYSER_VERSION)
        features.save_features(
            session,
            **mine,
            song_id=song.id,
            content_key=song.content_key,
            listening=LISTENING,
            analyser_version=ANALYSER_VERSION,
        )
    page = ada.browser.get("/").text
    assert re.findall(r"<button>(\w+)", page) == ["Match"]
    assert "1 of 1 song heard" in page
    assert "Of 1 song there is no sound" in page


def test_the_next_step_alone_stands_out(site: Site, ada: Person) -> None:
    assert re.findall(r"<button>(\w+)", start_page(site, liked=2, proposals=0)) == ["Match"]
    with site.runtime.database.session() as session:
        account_sources.add(session, account_id=ada.account_id, location="/music/ada", name="Ada's")
    assert re.findall(r"<button>(\w+)", ada.browser.get("/").text) == ["Sync"]
