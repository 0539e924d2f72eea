"""Who may make an account: nobody, the invited once, or anybody; and nobody before the owner."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from library import accounts, invites
from library.models import Invite, utc_now
from tests.integration.web.conftest import PASSWORD, Person, Site, submit


def email() -> str:
    return f"{uuid4().hex}@example.org"


def join(browser: FlaskClient, token: str, address: str | None = None):
    form = {"email": address or email(), "password": PASSWORD, "invitation": token}
    return submit(browser, "/sign-up", **form)


@pytest.fixture(scope="module")
def inviting(make_site: Callable[..., Site]) -> Site:
    return make_site(EARMARK_SIGN_UP="invite")


@pytest.fixture
def owner(inviting: Site) -> Person:
    person = inviting.person()
    with inviting.runtime.database.session() as session:
        account = accounts.get(session, account_id=person.account_id)
        accounts.make_owner(session, account=account)
    return person


def invite(owner: Person) -> str:
    page = owner.submit("/account/invites").text
    link = re.search(r'<code class="secret">([^<]+)</code>', page)
    assert link is not None
    address, _, token = html.unescape(link[1]).partition("#invite=")
    assert address == "http://localhost/sign-up"
    return token


def test_an_invitation_makes_one_account_and_no_second(inviting: Site, owner: Person) -> None:
    token = invite(owner)
    assert join(inviting.client(), token).status_code == 303
    again = join(inviting.client(), token)
    assert again.status_code == 422
    assert "This invitation was used" in again.text


def test_one_of_many_who_use_an_invitation_at_once_gets_an_account(
    inviting: Site, owner: Person
) -> None:
    token = invite(owner)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: join(inviting.client(), token).status_code, range(6)))
    assert sorted(answers) == [303, *[422] * 5]


@pytest.mark.parametrize("guess", ["", "x", "a\x00b", "\ufffd" * 50, "x" * 5000])
def test_without_a_good_invitation_nobody_gets_in_or_learns_who_is(
    inviting: Site, owner: Person, guess: str
) -> None:
    for address in (email(), owner.email):
        answer = join(inviting.client(), guess, address)
        assert answer.status_code == 422
        assert "There is an account" not in answer.text
    no_field = submit(inviting.client(), "/sign-up", email=email(), password=PASSWORD)
    assert no_field.status_code == 422


def test_an_address_that_is_taken_uses_no_invitation_up(inviting: Site, owner: Person) -> None:
    token = invite(owner)
    assert "There is an account" in join(inviting.client(), token, owner.email).text
    assert join(inviting.client(), token).status_code == 303


def test_an_invitation_that_is_withdrawn_or_a_week_old_is_none(
    inviting: Site, owner: Person
) -> None:
    token = invite(owner)
    (button,) = re.findall(
        r'action="(/account/invites/[^/"]+/withdraw)"', owner.browser.get("/account").text
    )
    assert owner.submit(button).location == "/account"
    assert join(inviting.client(), token).status_code == 422
    token = invite(owner)
    with inviting.runtime.database.session() as session:
        mine = update(Invite).where(Invite.account_id == owner.account_id)
        session.execute(mine.values(expires_at=utc_now()))
    assert join(inviting.client(), token).status_code == 422


def test_only_the_owner_invites(inviting: Site, owner: Person) -> None:
    other = inviting.person()
    assert other.submit("/account/invites").status_code == 404
    assert "Invite somebody" not in other.browser.get("/account").text
    assert "Invite somebody" in owner.browser.get("/account").text


def test_the_database_holds_no_token(inviting: Site, owner: Person) -> None:
    token = invite(owner)
    with inviting.runtime.database.reading() as session:
        (kept,) = invites.of_account(session, account_id=owner.account_id, now=utc_now())
    assert token not in vars(kept).values()
    assert kept.expires_at - kept.created_at == timedelta(days=7)


def test_where_sign_up_is_closed_there_is_no_form_and_nobody_invites(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(EARMARK_SIGN_UP="closed")
    person = site.person()
    with site.runtime.database.session() as session:
        accounts.make_owner(session, account=accounts.get(session, account_id=person.account_id))
    assert person.submit("/account/invites").status_code == 404
    browser = site.client()
    assert "/sign-up" not in browser.get("/sign-in").text
    page = browser.get("/sign-up")
    assert page.status_code == 403
    assert "<form" not in page.text
    form = {"email": email(), "password": PASSWORD}
    assert submit(browser, "/sign-up", page="/sign-in", **form).status_code == 403


def test_nobody_signs_up_before_there_is_an_owner_but_on_this_machine_alone(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(EARMARK_SIGN_UP="open")
    form = {"email": email(), "password": PASSWORD}
    answer = submit(site.client(), "/sign-up", page="/sign-in", **form)
    assert answer.status_code == 403
    assert "earmark account add" in answer.text
    site.account()
    assert submit(site.client(), "/sign-up", **form).status_code == 303
    local = make_site(EARMARK_LOCAL="yes")
    for is_owner in (True, False):
        form = {"email": email(), "password": PASSWORD}
        assert submit(local.client(), "/sign-up", **form).status_code == 303
        with local.runtime.database.reading() as session:
            assert accounts.by_email(session, email=form["email"]).is_owner is is_owner
