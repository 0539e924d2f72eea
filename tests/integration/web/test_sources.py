"""Pages and API of sources: several folders, each with its page, removed and brought back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from library import account_sources, jobs, playlists, songs
from library.models import Source, utc_now
from library.source_reports import report
from library.sources.records import SongRecord
from tests.integration.web.conftest import Person, Site


@dataclass(frozen=True)
class Rooms:
    """A site with a root of two folders, and somebody whose music the first of them is."""

    site: Site
    root: Path
    ada: Person
    first: UUID

    @property
    def sources(self) -> list[Source]:
        with self.site.runtime.database.reading() as session:
            return account_sources.of_account(session, account_id=self.ada.account_id)

    def get(self, path: str) -> str:
        answer = self.ada.browser.get(path)
        assert answer.status_code == 200, path
        return answer.text

    def add(self, name: str):
        return self.ada.post(
            "/api/sources", json={"kind": "folder", "folder": f"{self.root}/{name}"}
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root that accounts may choose from."""
    root = tmp_path_factory.mktemp("root")
    for name in ("one", "two"):
        (root / name).mkdir()
    return root


@pytest.fixture(scope="module")
def rooted(make_site: Callable[..., Site], house: Path) -> Site:
    return make_site(EARMARK_MUSIC_ROOTS=str(house))


@pytest.fixture
def rooms(rooted: Site, house: Path) -> Rooms:
    site, root = rooted, house
    ada = site.person()
    mine = {"account_id": ada.account_id}
    with site.runtime.database.session() as session:
        first = account_sources.add(session, **mine, location=str(root / "one"), name="one")
        here = {**mine, "source_id": first.id}
        song = songs.save(session, **here, record=SongRecord("a.flac", "Ann's song"))
        playlists.save(session, **here, external_id="m.m3u", name="Mix", song_ids=[song.id])
    return Rooms(site, root, ada, first.id)


def test_a_second_folder_is_added_beside_the_first(rooms: Rooms) -> None:
    answer = rooms.ada.submit("/sources/folder", folder=str(rooms.root / "two"))
    assert answer.status_code == 303
    assert [source.name for source in rooms.sources] == ["one", "two"]
    assert answer.location == f"/sources/{rooms.sources[1].id}"
    page = rooms.get("/sources")
    assert "Read all of them again" in page
    assert "1 song, 0 songs you love, 1 playlist" in page
    for source in rooms.sources:
        assert f'href="/sources/{source.id}"' in page
        assert f'href="/sources/{source.id}"' in rooms.get("/")


def test_a_folder_is_changed_and_the_source_stays_the_same(rooms: Rooms) -> None:
    page = rooms.get(f"/sources/{rooms.first}")
    change = f"/sources/folder?source={rooms.first}"
    assert f'href="{change}"' in page
    assert f'name="source" value="{rooms.first}"' in rooms.get(f"{change}&at={rooms.root}/two")
    form = {"folder": str(rooms.root / "two"), "source": str(rooms.first)}
    assert rooms.ada.submit("/sources/folder", **form).status_code == 303
    assert [(s.id, s.location) for s in rooms.sources] == [(rooms.first, f"{rooms.root}/two")]
    assert rooms.add("one").status_code == 201
    answer = rooms.ada.submit("/sources/folder", **form | {"folder": str(rooms.root / "one")})
    assert answer.status_code == 409
    assert "You have a source one at this place" in answer.text
    for nobodys in (str(uuid4()), "x"):
        assert rooms.ada.submit("/sources/folder", **form | {"source": nobodys}).status_code == 404


def test_the_page_of_a_source_tells_what_it_holds_and_what_is_amiss(rooms: Rooms) -> None:
    with rooms.site.runtime.database.session() as session:
        found = report(
            songs=1,
            playlists=1,
            gone=0,
            unseen={f"Locked {n:02}": "The folder cannot be looked at: no." for n in range(23)},
            left_out=["#recycle", "Jazz/@eaDir"],
        )
        key = {"source_id": rooms.first}
        at = utc_now()
        account_sources.set_synced(session, **key, location="/", now=at, report=found)
        account_sources.set_failed(session, **key, reason="The disk <b>hums</b>.")
    page = rooms.get(f"/sources/{rooms.first}")
    for text in (
        "1 song, 0 songs you love, 1 playlist",
        "The disk &lt;b&gt;hums&lt;/b&gt;.",
        "Locked 00",
        "and 3 places more",
        "#recycle",
        "Jazz/@eaDir",
        f"{rooms.root}/one",
    ):
        assert text in page, text
    assert "Locked 22" not in page


def test_one_source_is_read_again_by_a_button(rooms: Rooms) -> None:
    answer = rooms.ada.submit(f"/sources/{rooms.first}/read")
    assert answer.status_code == 303
    with rooms.site.runtime.database.reading() as session:
        job = jobs.latest(session, account_id=rooms.ada.account_id, kind="sync")
    assert job is not None
    assert job.parameters == {"source": str(rooms.first)}
    assert answer.location == f"/jobs/{job.id}"
    # A second one is not begun: the first is shown.
    assert rooms.ada.submit(f"/sources/{rooms.first}/read").location == answer.location
    assert "watch it" in rooms.get(f"/sources/{rooms.first}")


def test_a_removal_says_first_what_it_means_and_can_be_taken_back(rooms: Rooms) -> None:
    page = rooms.get(f"/sources/{rooms.first}/remove")
    numbers = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page)
    assert dict(numbers) == {
        "Songs": "1", "Songs you love": "0", "Playlists": "1", "Decisions that stay": "0",
    }  # fmt: skip
    assert "kept for 90 days" in page
    assert "Ann&#39;s song" in rooms.get("/library")
    answer = rooms.ada.submit(f"/sources/{rooms.first}/remove")
    assert answer.location == "/sources"
    assert rooms.sources == []
    page = rooms.get("/sources")
    assert "Bring back" in page
    assert "Ann&#39;s song" not in rooms.get("/library")
    assert "Bring it back" in rooms.get(f"/sources/{rooms.first}")
    assert rooms.ada.submit(f"/sources/{rooms.first}/read").status_code == 404
    rooms.ada.submit(f"/sources/{rooms.first}/restore")
    assert [source.id for source in rooms.sources] == [rooms.first]
    assert "Ann&#39;s song" in rooms.get("/library")


class TestApi:
    def test_sources_are_listed_added_removed_and_brought_back(self, rooms: Rooms) -> None:
        browser = rooms.ada.browser
        made = rooms.add("two")
        assert made.status_code == 201
        assert made.location == made.json["links"]["self"]
        assert (made.json["kind"], made.json["name"], made.json["songs"]) == ("folder", "two", 0)
        listed = browser.get("/api/sources").json
        assert [source["name"] for source in listed["sources"]] == ["one", "two"]
        assert (listed["sources"][0]["songs"], listed["sources"][0]["playlists"]) == (1, 1)
        path = made.location
        for _ in range(2):
            assert rooms.ada.send("DELETE", path).status_code == 204
        listed = browser.get("/api/sources").json
        assert [source["name"] for source in listed["removed"]] == ["two"]
        assert browser.get(path).json["removedAt"]
        back = rooms.ada.post(made.json["links"]["restore"])
        assert (back.status_code, back.json["removedAt"]) == (200, None)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"kind": "cloud"}, ('kind is "cloud"', "folder")),
            ({}, ("kind is null",)),
            ({"kind": ["folder"]}, ('kind is ["folder"]',)),
            ({"kind": "folder"}, ("Folder is empty",)),
            ({"kind": "folder", "folder": 7}, ("Folder is empty",)),
            ({"kind": "folder", "folder": "/etc"}, ("/etc", "EARMARK_MUSIC_ROOTS")),
            ({"kind": "folder", "folder": "x" * 9000}, ("Folder has more than",)),
        ],
    )
    def test_a_source_that_cannot_be_had_is_refused_in_words(
        self, rooms: Rooms, body: dict[str, object], words: tuple[str, ...]
    ) -> None:
        answer = rooms.ada.post("/api/sources", json=body)
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
        for word in words:
            assert word in answer.json["detail"]
        assert len(rooms.sources) == 1

    def test_a_sync_of_one_source_is_asked_for_by_its_id(self, rooms: Rooms) -> None:
        def ask(**body: object):
            return rooms.ada.post("/api/jobs", json={"kind": "sync", **body})

        for nonsense in ("x", 7, str(uuid4())):
            answer = ask(source=nonsense)
            assert (answer.status_code, answer.json["field"]) == (422, "source")
        assert ask(kind="matching", source=str(rooms.first)).status_code == 422
        job = ask(source=str(rooms.first)).json
        with rooms.site.runtime.database.reading() as session:
            row = jobs.load(session, job_id=UUID(job["id"]))
        assert row is not None
        assert row.parameters == {"source": str(rooms.first)}
