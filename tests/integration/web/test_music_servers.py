"""A person adds a music server on a page, or by JSON, and enters its password again."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore

import pytest

from library import account_sources
from library.models import Source
from tests.integration.web.conftest import Person, Site, token
from tests.subsonic.double import Double
from tests.subsonic.sockets import serving
from web import source_forms

FORM = "/sources/form?kind=subsonic"
PASSWORD = " correct horse "
KEY = "for tests, and long enough"


@pytest.fixture(scope="module")
def site(make_site: Callable[..., Site]) -> Site:
    return make_site(SECRET_KEY=KEY, EARMARK_PRIVATE_SERVERS="yes")


@pytest.fixture
def ada(site: Site) -> Person:
    return site.person()


@pytest.fixture
def address() -> Iterator[str]:
    with serving(Double(password=PASSWORD)) as found:
        yield found


def sources(site: Site, person: Person) -> list[Source]:
    with site.runtime.database.reading() as session:
        return account_sources.of_account(session, account_id=person.account_id)


def fill_in(person: Person, **fields: str):
    said = {"kind": "subsonic", "user": "ada", "password": PASSWORD} | fields
    return person.browser.post(FORM, data=said | {"csrf_token": token(person.browser, FORM)})


def test_a_server_is_added_on_its_page(site: Site, ada: Person, address: str) -> None:
    assert html.escape(FORM) in ada.browser.get("/sources").text
    answer = fill_in(ada, address=address)
    assert answer.status_code == 303
    (added,) = sources(site, ada)
    assert (added.kind, added.name) == ("subsonic", address.removeprefix("http://"))
    assert added.secret is not None
    assert b"horse" not in added.secret
    page = ada.browser.get(answer.location).text
    assert "A music server" in page
    assert "horse" not in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "my other password"}, "user name or password is wrong"),
        ({"address": "http://169.254.169.254/latest"}, "no music server has"),
        ({"address": "http://127.0.0.1:1"}, "cannot be reached"),
        ({"address": "https://ada:my other password@music.example.org"}, "Leave user name"),
        ({"user": ""}, "or an API key"),
        ({"address": ""}, "Address is empty"),
    ],
)
def test_what_is_wrong_is_said_and_no_password_is_shown(
    site: Site, ada: Person, address: str, fields: dict[str, str], said: str
) -> None:
    answer = fill_in(ada, **{"address": address} | fields)
    assert answer.status_code == 422
    assert said in html.unescape(answer.text)
    assert PASSWORD not in answer.text
    assert fields.get("password", PASSWORD) not in answer.text
    assert sources(site, ada) == []


def test_a_password_is_entered_again(site: Site, ada: Person, address: str) -> None:
    fill_in(ada, address=address)
    (added,) = sources(site, ada)
    form = ada.browser.get(f"{FORM}&source={added.id}").text
    assert address in form
    assert 'type="password"' in form
    assert "horse" not in form
    assert fill_in(ada, address=address, source=str(added.id)).status_code == 303
    (again,) = sources(site, ada)
    assert again.id == added.id
    assert again.secret != added.secret
    bob = site.person()
    assert bob.browser.get(f"{FORM}&source={added.id}").status_code == 404
    assert fill_in(bob, address=address, source=str(added.id)).status_code == 404


def test_a_server_is_added_by_json(site: Site, ada: Person, address: str) -> None:
    body = {"kind": "subsonic", "address": address, "user": "ada", "password": PASSWORD}
    answer = ada.post("/api/sources", json=body)
    assert answer.status_code == 201
    assert "horse" not in answer.text
    refused = ada.post("/api/sources", json=body | {"password": "wrong"})
    assert (refused.status_code, refused.json["field"]) == (422, "password")


def test_private_servers_are_not_asked_where_the_operator_does_not_say_so(
    make_site: Callable[..., Site], address: str
) -> None:
    ada = make_site(SECRET_KEY=KEY).person()
    answer = fill_in(ada, address=address)
    assert answer.status_code == 422
    assert "EARMARK_PRIVATE_SERVERS" in answer.text


def test_tries_are_few_at_once_and_few_in_all(
    make_site: Callable[..., Site], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(SECRET_KEY=KEY, EARMARK_PRIVATE_SERVERS="yes", limits=True)
    ada = site.person()
    monkeypatch.setattr(source_forms, "_ASKING", BoundedSemaphore(1))
    with source_forms._ASKING:
        answer = fill_in(ada, address=address)
    assert "try again in a few seconds" in answer.text
    for _ in range(19):
        assert fill_in(ada, address="").status_code == 422
    assert fill_in(ada, address=address).status_code == 429
