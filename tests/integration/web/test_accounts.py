"""Signing up, in and out."""

from __future__ import annotations

from uuid import uuid4

import argon2
import pytest
from flask.testing import FlaskClient

from library import accounts
from library.models import Account
from tests.integration.web.conftest import PASSWORD, Person, Site, submit
from web import passwords


def sign_up(browser: FlaskClient, email: str, password: str = PASSWORD):
    return submit(browser, "/sign-up", email=email, password=password)


def test_whoever_signs_up_is_signed_in_and_can_sign_in_again(anyone: FlaskClient, site: Site):
    email = f"{uuid4().hex}@Example.org"
    answer = sign_up(anyone, email)
    assert (answer.status_code, answer.location) == (303, "/")
    assert email.lower() in anyone.get("/").text
    again = submit(site.client(), "/sign-in", email=f" {email.upper()} ", password=PASSWORD)
    assert again.status_code == 303


def test_an_address_is_taken_once_whatever_its_case(anyone: FlaskClient, ada: Person):
    answer = sign_up(anyone, ada.email.upper())
    assert answer.status_code == 422
    assert "There is an account with this address already." in answer.text


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [
        ("", PASSWORD, "Enter your e-mail address."),
        ("no address", PASSWORD, "Enter an address such as me@home.org."),
        ("a\x00b@example.org", PASSWORD, "Enter an address such as me@home.org."),
        ("a@b" + "c" * 300, PASSWORD, "at most 254 characters"),
        ("a@example.org", "", "Choose a password."),
        ("a@example.org", "too short", "Choose a password of 10 to 200 characters."),
        ("a@example.org", "x" * 201, "Choose a password of 10 to 200 characters."),
    ],
)
def test_what_cannot_be_an_account_is_said_beside_its_field(anyone, email, password, words):
    answer = sign_up(anyone, email, password)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert not password or password not in answer.text


def test_a_wrong_password_and_an_unknown_address_are_refused_alike(ada: Person, site: Site):
    wrong = submit(site.client(), "/sign-in", email=ada.email, password="not the password")
    unknown = submit(site.client(), "/sign-in", email="nobody@example.org", password=PASSWORD)
    assert wrong.status_code == unknown.status_code == 422
    for answer in (wrong, unknown):
        assert "The e-mail address or the password is not right." in answer.text


def test_an_unknown_address_costs_a_hash_too(anyone: FlaskClient, monkeypatch):
    verified: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self, hashed, plain):
        verified.append(plain)
        return verify(self, hashed, plain)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    submit(anyone, "/sign-in", email="nobody@example.org", password="nobody has this password")
    assert verified == ["nobody has this password"]
    assert anyone.get("/").status_code == 303


def test_a_hash_of_other_parameters_is_made_anew_at_sign_in(
    site: Site, own_hasher: argon2.PasswordHasher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(passwords, "_hasher", own_hasher)
    account_id, email = site.account()
    with site.runtime.database.session() as session:
        account = accounts.get(session, account_id=account_id)
        account.password_hash = argon2.PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
    assert submit(site.client(), "/sign-in", email=email, password=PASSWORD).status_code == 303
    with site.runtime.database.session() as session:
        new_hash = accounts.get(session, account_id=account_id).password_hash
    assert not argon2.PasswordHasher().check_needs_rehash(new_hash)
    assert argon2.PasswordHasher().verify(new_hash, PASSWORD)


def test_a_damaged_hash_fits_no_password(site: Site):
    account_id, email = site.account()
    with site.runtime.database.session() as session:
        accounts.get(session, account_id=account_id).password_hash = "-"
    assert submit(site.client(), "/sign-in", email=email, password=PASSWORD).status_code == 422


def test_signing_out_ends_the_session(ada: Person):
    answer = ada.submit("/sign-out")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert ada.browser.get("/").status_code == 303
    assert "You have signed out." in ada.browser.get("/sign-in").text


def test_the_session_of_an_account_that_is_gone_is_over(ada: Person, site: Site):
    with site.runtime.database.session() as session:
        session.delete(session.get(Account, ada.account_id))
    assert ada.browser.get("/").status_code == 303


def test_a_session_begins_with_nothing_of_the_one_before(site: Site):
    browser = site.client()
    _, email = site.account()
    with browser.session_transaction() as session:
        session["left"] = "by someone else"
    submit(browser, "/sign-in", email=email, password=PASSWORD)
    with browser.session_transaction() as session:
        assert "left" not in session


def test_signing_in_leads_back_to_the_page_that_asked_for_it(site: Site):
    browser = site.client()
    _, email = site.account()
    asked = browser.get("/library?search=snow").location
    assert asked == "/sign-in?next=/library?search%3Dsnow"
    answer = submit(browser, asked, email=email, password=PASSWORD)
    assert answer.location == "/library?search=snow"


def test_signing_in_leads_to_no_other_site(ada: Person):
    # Whoever is signed in already is led on at once.
    for elsewhere in (
        "https://example.org/",
        "//example.org",
        "/\\example.org",
        "/%09/example.org",
    ):
        assert ada.browser.get(f"/sign-in?next={elsewhere}").location == "/"


def test_after_a_form_without_a_session_no_form_is_led_back_to(anyone: FlaskClient):
    answer = anyone.post(f"/jobs/{uuid4()}/cancel")
    assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_whoever_is_signed_in_needs_no_form_for_it(ada: Person):
    assert ada.browser.get("/sign-in").location == "/"
    assert ada.browser.get("/sign-up").location == "/"
