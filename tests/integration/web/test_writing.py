"""The pages and the API of write-back: what is seen is what is written, and what was is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from library import account_sources, decisions, jobs, playlists, songs, write_backs
from library.models import Song
from library.sources.records import SongRecord
from library.writeback.acts import Act
from tasks.writers import Writers
from tests import axe
from tests.integration.web.conftest import Site

#: A folder that pictures of the pages go to.
IMAGES = os.environ.get("EARMARK_IMAGES")
SCREENS = ((390, "dark"), (1440, "light"))
OLD = b"#EXTM3U\na.mp3\n"


class Desk:
    """A person with a list on the disk, for which songs were accepted."""

    def __init__(self, site: Site, folder: Path, **more: str) -> None:
        self.site, self.person, self.root = site, site.person(), folder / uuid4().hex
        self.root.mkdir()
        self.list = self.root / "mine.m3u"
        self.list.write_bytes(OLD)
        self.mine = {"account_id": self.person.account_id}
        with site.runtime.database.session() as session:
            source = account_sources.add(
                session, **self.mine, location=str(self.root), name="Music"
            )
            here = {**self.mine, "source_id": source.id}
            self.playlist_id = playlists.save(
                session, **here, external_id="mine.m3u", name="Mine <i>", song_ids=[]
            ).id
            for name in ("b", "c"):
                (self.root / f"{name}.mp3").touch()
                record = SongRecord(external_id=f"{name}.mp3", title=f"Song & {name}")
                self.accept(session, songs.save(session, **here, record=record))
            elsewhere = account_sources.add(
                session, **self.mine, location=str(folder), name="Other"
            )
            record = SongRecord(external_id="x.mp3", title="Elsewhere")
            there = {**self.mine, "source_id": elsewhere.id}
            self.accept(session, songs.save(session, **there, record=record))

    def accept(self, session: object, song: Song) -> None:
        decisions.accept(
            session,  # type: ignore[arg-type]
            **self.mine,
            song_id=song.id,
            playlist_id=self.playlist_id,
        )

    def ticked(self) -> dict[str, str]:
        page = self.person.browser.get("/write-back").text
        fields = {}
        for name in ("list", "batch"):
            found = re.search(rf'name="{name}" value="([^"]+)"', page)
            assert found is not None, page
            fields[name] = found[1]
        return fields

    def job(self) -> jobs.Job | None:
        with self.site.runtime.database.reading() as session:
            return jobs.active(session, **self.mine, kind="write_back")

    def carry_out_all(self) -> str:
        """Do what a worker would; the id of the act."""
        job = self.job()
        assert job is not None
        runtime = self.site.runtime
        with runtime.database.reading() as session:
            batch = UUID(job.parameters["batch"])
            rows = write_backs.of_batch(session, **self.mine, batch_id=batch)
        for row in rows:
            writer = Writers(runtime.database, runtime.settings, row.account_id).of(row.source_id)
            Act(runtime.database.session, writer, row.account_id, row.id).write()
        self.person.post(f"/api/jobs/{job.id}/cancel")
        return str(batch)

    def carry_out(self) -> UUID:
        """The same, of one list; its id."""
        act = UUID(self.carry_out_all())
        with self.site.runtime.database.reading() as session:
            (row,) = write_backs.of_batch(session, **self.mine, batch_id=act)
            return row.id


@pytest.fixture(scope="module")
def writing_site(make_site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    site: Site = make_site(EARMARK_MUSIC_WRITE=str(tmp_path_factory.getbasetemp()))
    site.account()
    return site


@pytest.fixture
def desk(writing_site: Site, tmp_path: Path) -> Desk:
    return Desk(writing_site, tmp_path)


def test_the_page_shows_what_would_be_written_and_what_is_left_out(desk: Desk) -> None:
    page = desk.person.browser.get("/write-back").text
    assert "Mine &lt;i&gt;" in page
    assert "2 new songs" in page
    assert page.count("<ins>") == 2
    assert "Song &amp; b" in page
    assert "in another source" in page
    assert desk.list.read_bytes() == OLD


def test_what_was_seen_is_written_shown_and_put_back(desk: Desk) -> None:
    answer = desk.person.submit("/write-back", **desk.ticked())
    job = desk.job()
    assert job is not None
    assert answer.location == f"/jobs/{job.id}"
    key = desk.carry_out()
    assert desk.list.read_bytes() == OLD + b"b.mp3\nc.mp3\n"
    browser = desk.person.browser
    assert "was written, 2 songs, 1 left out" in browser.get("/write-backs").text
    page = browser.get(f"/write-backs/{key}").text
    assert "puts the list back as it was before" in page
    assert "The list has these songs already" in browser.get("/write-back").text
    undo = desk.person.submit(f"/write-backs/{key}/undo")
    job = desk.job()
    assert job is not None
    assert (undo.location, job.parameters) == (f"/jobs/{job.id}", {"undo": str(key)})


def test_an_undo_is_refused_with_a_diff_where_somebody_edited_since(desk: Desk) -> None:
    desk.person.submit("/write-back", **desk.ticked())
    key = desk.carry_out()
    desk.list.write_bytes(desk.list.read_bytes() + b"theirs.mp3\n")
    page = desk.person.browser.get(f"/write-backs/{key}").text
    assert "was changed after Earmark wrote it" in page
    assert '<ins><span class="hidden">new: </span>theirs.mp3</ins>' in page
    assert f"/write-backs/{key}/undo" not in page
    assert desk.person.submit(f"/write-backs/{key}/undo").location == f"/write-backs/{key}"
    refused = desk.person.post(f"/api/write-backs/{key}/undo")
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert desk.job() is None


def test_nothing_but_what_was_seen_is_written(desk: Desk) -> None:
    seen = desk.ticked()
    with desk.site.runtime.database.session() as session:
        first = decisions.page(session, **desk.mine)[0]
        decisions.undo(session, **desk.mine, decision_id=first.id)
    answer = desk.person.submit("/write-back", **seen)
    assert answer.location == "/write-back"
    assert "has changed since you looked" in desk.person.browser.get("/write-back").text
    assert desk.job() is None
    for wrong in ({"list": "x:y"}, {"list": f"{uuid4()}:{'0' * 64}.{'0' * 16}"}, {}):
        desk.person.submit("/write-back", batch=str(uuid4()), **wrong)
        assert desk.job() is None
    assert desk.person.submit("/write-back", batch="x").status_code == 400


def test_a_form_that_is_sent_twice_starts_one_job_and_one_in_the_way_is_shown(desk: Desk) -> None:
    seen = desk.ticked()
    first = desk.person.submit("/write-back", **seen)
    assert desk.person.submit("/write-back", **seen).location == first.location
    later = desk.person.submit("/write-back", **(seen | {"batch": str(uuid4())}))
    assert later.location == first.location
    assert "has to end first" in desk.person.browser.get(first.location).text
    sync = desk.person.submit("/jobs", kind="sync")
    assert sync.location == first.location
    with desk.site.runtime.database.reading() as session:
        assert len(write_backs.page(session, **desk.mine)) == 1


def test_the_api_says_the_same_and_does_the_same(desk: Desk) -> None:
    browser = desk.person.browser
    (found,) = browser.get("/api/write-back").json["lists"]
    assert found["new"] == ["Song & b", "Song & c"]
    assert [line["kind"] for line in found["diff"]] == ["same", "same", "new", "new"]
    assert [one["song"] for one in found["leftOut"]] == ["Elsewhere"]
    wanted = {"lists": [{"playlist": found["playlist"], "seen": found["seen"]}]}
    key = str(uuid4())
    started = desk.person.post("/api/write-back", json=wanted, headers={"Idempotency-Key": key})
    assert started.status_code == 202
    again = desk.person.post("/api/write-back", json=wanted, headers={"Idempotency-Key": key})
    assert again.json["id"] == started.json["id"]
    other = desk.person.post("/api/write-back", json=wanted)
    assert (other.status_code, other.json["job"]) == (409, started.json["links"]["self"])
    written = desk.carry_out()
    (row,) = browser.get("/api/write-backs").json["writeBacks"]
    assert (row["id"], row["state"], row["written"]) == (str(written), "written", 2)
    one = browser.get(f"/api/write-backs/{written}").json
    assert one["mayUndo"] is True
    assert [song["place"] for song in one["songs"]] == ["b.mp3", "c.mp3", None]
    undo = desk.person.post(f"/api/write-backs/{written}/undo")
    assert (undo.status_code, undo.json["kind"]) == (202, "write_back")


@pytest.mark.parametrize(
    "body", [[], {}, {"lists": [1]}, {"lists": []}, {"lists": [{"playlist": "x", "seen": "y"}]}]
)
def test_the_api_refuses_what_it_cannot_use(desk: Desk, body: object) -> None:
    assert desk.person.post("/api/write-back", json=body).status_code == 422
    kind = desk.person.start("write_back")
    assert (kind.status_code, kind.json["field"]) == (422, "kind")
    assert desk.person.submit("/jobs", kind="write_back").status_code == 400


def more_lists(desk: Desk) -> None:
    with desk.site.runtime.database.session() as session:
        (source, *_) = account_sources.of_account(session, **desk.mine)
        song = songs.ids_by_external(session, source_id=source.id)["b.mp3"]
        for name in ("zebra", "Apple"):
            (desk.root / f"{name}.m3u").write_bytes(OLD)
            made = playlists.save(
                session,
                **desk.mine,
                source_id=source.id,
                external_id=f"{name}.m3u",
                name=name,
                song_ids=[],
            )
            decisions.accept(session, **desk.mine, song_id=song, playlist_id=made.id)


def test_all_lists_of_one_act_are_put_back_together(desk: Desk) -> None:
    more_lists(desk)
    lists = desk.person.browser.get("/api/write-back").json["lists"]
    wanted = [{"playlist": one["playlist"], "seen": one["seen"]} for one in lists]
    assert desk.person.post("/api/write-back", json={"lists": wanted}).status_code == 202
    page = desk.person.browser.get("/write-backs").text
    assert "Undo all of that act" not in page  # nothing is written yet
    act = desk.carry_out_all()
    path = f"/write-backs/acts/{act}/undo"
    assert desk.person.browser.get("/write-backs").text.count(path) == 1
    answer = desk.person.submit(path)
    job = desk.job()
    assert job is not None
    assert (answer.location, job.parameters) == (f"/jobs/{job.id}", {"undo_batch": act})
    refused = desk.person.post(f"/api{path}")
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert desk.person.post(f"/api/write-backs/acts/{uuid4()}/undo").status_code == 404


def test_lists_of_any_number_are_shown_a_page_at_a_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_lists(desk)
    monkeypatch.setattr("web.writing.PAGE_LISTS", 1)
    following, names = "/api/write-back", []
    while following:
        page = desk.person.browser.get(following).json
        names += [one["name"] for one in page["lists"]]
        following = page["links"]["next"]
    assert names == ["Apple", "Mine <i>", "zebra"]
    first = desk.person.browser.get("/write-back").text
    assert first.count('name="list"') == 1
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    assert "Mine &lt;i&gt;" in desk.person.browser.get(link[1]).text


def test_where_writing_is_off_every_list_says_so_and_can_be_downloaded(
    site: Site, tmp_path: Path
) -> None:
    desk = Desk(site, tmp_path)
    page = desk.person.browser.get("/write-back").text
    assert "Writing into folders is switched off" in page
    assert 'name="list"' not in page
    assert f"/playlists/{desk.playlist_id}/download" in page
    (found,) = desk.person.browser.get("/api/write-back").json["lists"]
    assert found["seen"] is None
    assert "EARMARK_MUSIC_WRITE" in found["obstacle"]


@pytest.fixture
def address(writing_site: Site) -> Iterator[str]:
    """The site over HTTP, for a browser."""
    server = make_server("127.0.0.1", 0, writing_site.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_pages_fit_every_screen_and_axe_finds_nothing(
    desk: Desk, address: str, browser: Browser
) -> None:
    """From the look at what is written to the list that somebody edited since."""
    cookie = desk.person.browser.get_cookie(desk.site.app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    with browser.new_context(base_url=address) as context:
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        page = context.new_page()
        page.goto("/write-back")
        page.get_by_text("What changes in the list").click()
        look(page, "write-back")
        page.get_by_role("button", name="Write into the ticked lists").press("Enter")
        page.wait_for_url("**/jobs/*")
        key = desk.carry_out()
        page.goto("/write-backs")
        look(page, "write-backs")
        page.get_by_role("link", name="Mine").click()
        look(page, "written")
        desk.list.write_bytes(desk.list.read_bytes().replace(b"a.mp3", b"theirs.mp3"))
        page.goto(f"/write-backs/{key}")
        look(page, "edited")


def look(page: Page, name: str) -> None:
    """A page on a telephone and on a desk, by night and by day."""
    for width, scheme in SCREENS:
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if IMAGES or width == SCREENS[0][0]:
            assert axe.faults(page) == []
        if IMAGES:
            page.screenshot(path=f"{IMAGES}/{name}-{width}-{scheme}.png", full_page=True)
