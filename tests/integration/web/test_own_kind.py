"""A package of somebody else adds a kind of source: on the pages, in the API, and in syncs."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from library import account_sources, playlists
from library import jobs as rows
from library.errors import SourceUnavailable
from library.models import Job
from library.sources import kinds
from tasks import jobs, sync
from tests.integration.web.conftest import Person, Site
from tests.unit.test_imports import ROOT, build_wheel
from web.services import Services

PACKAGE = ROOT / "tests" / "fixtures" / "tapes"
DOCUMENT = ROOT / "docs" / "sources.md"


@dataclass(frozen=True)
class House:
    """A site, and a file in the folders that its accounts may choose from."""

    site: Site
    file: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built and installed into a folder."""
    folder = tmp_path_factory.mktemp("tapes")
    wheel = build_wheel(PACKAGE, folder)
    zipfile.ZipFile(wheel).extractall(folder / "site-packages")
    return folder / "site-packages"


@pytest.fixture
def with_tapes(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that finds the package."""
    monkeypatch.syspath_prepend(str(installed))
    kinds.installed.cache_clear()
    yield
    sys.modules.pop("earmark_tapes", None)
    kinds.installed.cache_clear()


@pytest.fixture(scope="module")
def house(make_site: Callable[..., Site], tmp_path_factory: pytest.TempPathFactory) -> House:
    root = tmp_path_factory.mktemp("root")
    (root / "tapes.csv").write_text(
        "tape,title,artist\nRoad,One,Ann\nRoad,Two,Bob\nHome,Three,Ann\n"
    )
    return House(make_site(EARMARK_MUSIC_ROOTS=str(root)), root / "tapes.csv")


@pytest.fixture
def ada(house: House) -> Person:
    return house.site.person()


def services(person: Person) -> Services:
    found: Services = person.browser.application.extensions["earmark"]
    return found


def synced(person: Person) -> Job:
    """A sync that is done here, as a worker does it."""
    celery, database = services(person).celery, services(person).database
    with database.session() as session:
        job, _ = rows.create(session, account_id=person.account_id, kind="sync")
    ref = jobs.ref_of(job)
    header = {"account": ref.account, "jobId": ref.job_id, "attempt": 0}
    celery.tasks[sync.NAME].apply(task_id=ref.job_id, headers={jobs.HEADER: header})
    with database.reading() as session:
        done = rows.load(session, job_id=job.id)
    assert done is not None
    return done


def test_it_is_added_by_a_form_of_its_own_fields_and_read(
    with_tapes: None, ada: Person, house: House
) -> None:
    browser = ada.browser
    link = re.search(r'href="([^"]+)">A list of tapes<', browser.get("/sources").text)
    assert link is not None
    assert link[1] == "/sources/form?kind=tapes"
    page = browser.get(link[1]).text
    for text in ('<label for="field-file">File', "The whole path of a CSV file"):
        assert text in page
    for path, words in (("", "File is empty"), ("/etc/passwd", "There is no file /etc/passwd")):
        refused = ada.submit("/sources/form", kind="tapes", file=path, called="My tapes")
        assert refused.status_code == 422
        assert words in refused.text
        assert 'aria-invalid="true"' in refused.text
        assert 'value="My tapes"' in refused.text
    file = str(house.file)
    added = ada.submit("/sources/form", kind="tapes", file=file, called="My tapes")
    assert added.status_code == 303
    assert synced(ada).result["songs"] == 3
    page = browser.get(added.location).text
    assert "My tapes" in page
    assert "3 songs, 0 songs you love, 2 playlists" in page
    assert "Of 3 songs there is no sound to listen to." in page
    with services(ada).database.reading() as session:
        kept = playlists.page(session, account_id=ada.account_id)
        assert [(playlist.name, playlist.size) for playlist in kept] == [("Home", 1), ("Road", 2)]
    change = re.search(r'href="([^"]+)">Change', page)
    assert change is not None
    form = browser.get(change[1].replace("&amp;", "&")).text
    assert f'value="{file}"' in form
    assert 'value="My tapes"' in form


def test_it_is_added_by_json_with_the_same_fields(
    with_tapes: None, ada: Person, house: House
) -> None:
    made = ada.post("/api/sources", json={"kind": "tapes", "file": str(house.file)})
    assert (made.status_code, made.json["name"]) == (201, "tapes")
    wrong = ada.post("/api/sources", json={"kind": "tapes", "file": "/etc/passwd"})
    assert (wrong.status_code, wrong.json["field"]) == (422, "file")


def test_without_its_package_a_source_stays_and_says_what_is_needed(
    ada: Person, house: House
) -> None:
    with services(ada).database.session() as session:
        mine = {"account_id": ada.account_id, "location": str(house.file)}
        account_sources.add(session, **mine, kind="tapes", name="My tapes")
    job = synced(ada)
    assert (job.status, job.error_code) == ("failed", "source_unavailable")
    assert "Sources of the kind “tapes” cannot be read here" in (job.error_message or "")
    assert "installs the package again" in ada.browser.get("/sources").text
    assert ada.browser.get("/sources/form?kind=tapes").status_code == 404


def test_a_package_that_is_broken_takes_no_other_kind_with_it(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    (tmp_path / "earmark_tapes.py").write_text("raise RuntimeError('broken')\n")
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.syspath_prepend(str(tmp_path))
    kinds.installed.cache_clear()
    try:
        assert "folder" in kinds.installed()
        assert "tapes" not in kinds.installed()
        assert [record.action for record in caplog.records] == ["kind_broken"]
        with pytest.raises(SourceUnavailable, match="“tapes”"):
            kinds.kind_of("tapes")
    finally:
        kinds.installed.cache_clear()


def test_the_document_has_the_package_as_it_is() -> None:
    text = DOCUMENT.read_text().partition("## A source of your own")[2]
    blocks = re.findall(r"```(?:toml|python)\n(.*?)```", text, re.DOTALL)
    assert blocks[:2] == [
        (PACKAGE / "pyproject.toml").read_text(),
        (PACKAGE / "earmark_tapes.py").read_text(),
    ]
