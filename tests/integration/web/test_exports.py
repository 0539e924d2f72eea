"""An export is uploaded, checked, kept privately, replaced, and deleted with its source."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from library import account_sources, playlists, removed_sources, songs
from library.models import Source
from library.sources.exports.storage import ExportStore
from library.sources.records import SongRecord
from tests.integration.web.conftest import Person, Site, token
from tests.unit.library.sources.exports.made import (
    EXPORTIFY,
    SPOTIFY_LIBRARY,
    spotify_item,
    spotify_playlists,
)
from web import arrival, exports

LIBRARY = json.dumps(SPOTIFY_LIBRARY).encode()
PLAYLISTS = json.dumps(spotify_playlists("Road trip")).encode()


@pytest.fixture
def ada(site: Site) -> Person:
    return site.person()


def upload(person: Person, *files: tuple[str, bytes], source: str = "") -> TestResponse:
    data = {
        "csrf_token": token(person.browser, "/"),
        "source": source,
        "files": [(io.BytesIO(content), name) for name, content in files],
    }
    return person.browser.post("/sources/export", data=data)


def sources(site: Site, person: Person) -> list[Source]:
    with site.runtime.database.reading() as session:
        return account_sources.of_account(session, account_id=person.account_id)


def kept(site: Site, person: Person) -> list[Path]:
    folder = site.runtime.settings.data_dir / "exports" / str(person.account_id)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_an_export_becomes_a_source_and_lies_where_nobody_else_may_read(
    site: Site, ada: Person
) -> None:
    answer = upload(ada, ("Playlist1.json", PLAYLISTS), ("YourLibrary.json", LIBRARY))
    (source,) = sources(site, ada)
    assert answer.headers["Location"] == f"/sources/{source.id}"
    assert (source.kind, source.name) == ("export", "Spotify")
    files = kept(site, ada)
    assert [path.read_bytes() for path in files] == [PLAYLISTS, LIBRARY]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in files} == {0o700}
    page = ada.browser.get(f"/sources/{source.id}").text
    assert "Playlist1.json, YourLibrary.json" in page
    assert "Add music from an export" in ada.browser.get("/sources/export").text


def test_a_newer_one_takes_its_place_and_only_that_is_kept(site: Site, ada: Person) -> None:
    upload(ada, ("Playlist1.json", PLAYLISTS), ("YourLibrary.json", LIBRARY))
    (before,) = sources(site, ada)
    answer = upload(ada, ("list.csv", EXPORTIFY.encode()), source=str(before.id))
    assert answer.status_code == 303
    (after,) = sources(site, ada)
    assert (after.id, after.name) == (before.id, before.name)
    assert after.location != before.location
    assert [path.read_bytes() for path in kept(site, ada)] == [EXPORTIFY.encode()]


def test_what_is_left_out_is_told(site: Site, ada: Person) -> None:
    items = [spotify_item("Rain"), spotify_item(None), {"episode": {"episodeName": "A talk"}}]
    lists = {"playlists": [{"name": "Mix", "items": items}]}
    upload(ada, ("Playlist1.json", json.dumps(lists).encode()))
    page = ada.browser.get("/sources").text
    assert "no longer: places without a song (1), podcast episodes (1)." in page


def test_it_is_deleted_with_its_source_and_the_next_of_its_kind_brings_that_back(
    site: Site, ada: Person
) -> None:
    upload(ada, ("YourLibrary.json", LIBRARY))
    (source,) = sources(site, ada)
    assert ada.submit(f"/sources/{source.id}/remove").status_code == 303
    assert kept(site, ada) == []
    upload(ada, ("YourLibrary.json", LIBRARY))
    assert [one.id for one in sources(site, ada)] == [source.id]
    assert len(kept(site, ada)) == 1
    with site.runtime.database.reading() as session:
        assert removed_sources.of_account(session, account_id=ada.account_id) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((), "Choose the files of an export."),
        ((("notes.txt", b"hello"),), "There is no export in it that Earmark knows"),
        ((("x.json", b'{"tracks": [{"tr'),), "x.json: The file ends in the middle"),
        ((("x.json", b'{"tracks": []}'),), "There is no export in it"),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence_and_not_kept(
    site: Site, ada: Person, files: tuple[tuple[str, bytes], ...], words: str
) -> None:
    answer = upload(ada, *files)
    assert answer.status_code == 422
    assert words in answer.text
    assert sources(site, ada) == []
    assert kept(site, ada) == []


def test_one_that_is_too_large_is_refused_in_a_sentence(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Larger than any form: the upload has a bound of its own.
    large = ("YourLibrary.json", LIBRARY + b" " * 2 * arrival.MAX_BODY_BYTES)
    assert upload(ada, large).status_code == 303
    monkeypatch.setattr(exports, "UPLOAD_BYTES", 100_000)
    answer = upload(ada, large)
    assert answer.status_code == 413
    assert "An export may have 64 MB in all" in answer.text


def test_where_there_is_no_room_the_page_says_so(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ExportStore, "keep", full)
    answer = upload(ada, ("YourLibrary.json", LIBRARY))
    assert answer.status_code == 503
    assert "The files could not be kept" in answer.text
    assert sources(site, ada) == []
    assert kept(site, ada) == []


def test_an_upload_needs_the_pages_token_and_ones_own_source(site: Site, ada: Person) -> None:
    answer = ada.browser.post(
        "/sources/export", data={"files": (io.BytesIO(LIBRARY), "YourLibrary.json")}
    )
    assert answer.status_code == 400
    bob = site.person()
    upload(bob, ("YourLibrary.json", LIBRARY))
    (of_bob,) = sources(site, bob)
    assert upload(ada, ("YourLibrary.json", LIBRARY), source=str(of_bob.id)).status_code == 404
    assert kept(site, ada) == []
    assert len(kept(site, bob)) == 1


def test_the_name_of_a_file_names_no_file_here_and_is_shown_as_text(
    site: Site, ada: Person
) -> None:
    upload(ada, ("../../../<b>evil</b>.json", LIBRARY))
    (source,) = sources(site, ada)
    assert [path.name for path in kept(site, ada)] == ["0"]
    page = ada.browser.get(f"/sources/{source.id}").text
    assert "<b>evil</b>" not in page
    assert "&lt;b&gt;evil&lt;/b&gt;" in page


def test_a_song_without_sound_says_so_wherever_it_is_shown(site: Site, ada: Person) -> None:
    mine = {"account_id": ada.account_id}
    with site.runtime.database.session() as session:
        source = account_sources.add(session, **mine, location="x", name="x", kind="export")
        here = {**mine, "source_id": source.id}
        record = SongRecord("spotify:track:1", "Rain", "Ann", has_sound=False)
        song = songs.save(session, **here, record=record)
        kept = playlists.save(
            session, **here, external_id="list:Mix", name="Mix", song_ids=[song.id]
        )
        into = kept.id
    assert "no sound: no source of yours has its file" in ada.browser.get("/library").text
    assert "no sound" in ada.browser.get(f"/playlists/{into}").text
    file = ada.browser.get(f"/playlists/{into}/download?format=m3u8").text
    assert file.splitlines()[-1] == "Ann – Rain"
    assert "Of 1 song there is no sound" in ada.browser.get(f"/sources/{source.id}").text


def test_an_upload_has_a_length_and_a_rate_of_its_own() -> None:
    rule = next(r for r in arrival.BODY_RULES if b"/sources/export".startswith(r.prefix))
    assert rule.longest_bytes == exports.UPLOAD_BYTES > 64 * 1024 * 1024
    assert rule.least_bytes_per_second is not None
