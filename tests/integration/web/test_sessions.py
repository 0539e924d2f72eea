"""Sessions as a person and a thief have them: listed, ended, and of no use as a copy."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from library import sessions
from library.models import BrowserSession, utc_now
from tests.integration.web.conftest import PASSWORD, Person, Site, submit

NEW_PASSWORD = "a new and longer password"


def copy_of(person: Person, site: Site) -> FlaskClient:
    """A thief's browser with the cookie that a person's has now."""
    thief = site.client()
    thief.set_cookie("earmark", person.browser.get_cookie("earmark").value)
    return thief


def again(person: Person, site: Site) -> Person:
    """The same person at another browser."""
    other = Person(site.client(), person.account_id, person.email)
    assert other.sign_in().status_code == 303
    return other


def is_signed_in(browser: FlaskClient) -> bool:
    page, api = browser.get("/"), browser.get("/api/jobs")
    assert (page.status_code, api.status_code) in ((200, 200), (303, 401))
    return page.status_code == 200


def end_buttons(person: Person) -> list[str]:
    return re.findall(
        r'action="(/account/sessions/[^/"]+/end)"', person.browser.get("/account").text
    )


def test_a_cookie_copied_before_a_sign_out_is_of_no_use_after_it(ada: Person, site: Site) -> None:
    other, thief = again(ada, site), copy_of(ada, site)
    assert is_signed_in(thief)
    assert ada.submit("/sign-out").status_code == 303
    assert not is_signed_in(thief)
    assert thief.get("/account").status_code == 303
    assert is_signed_in(other.browser)


def test_signing_out_empties_the_browsers_cache(ada: Person) -> None:
    assert ada.submit("/sign-out").headers["Clear-Site-Data"] == '"cache"'


def test_each_browser_is_listed_and_can_be_signed_out_from_any_other(
    ada: Person, site: Site
) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    other = Person(site.client(), ada.account_id, ada.email)
    other.browser.environ_base["HTTP_USER_AGENT"] = agent
    other.sign_in()
    page = ada.browser.get("/account").text
    assert page.count("(this browser)") == 1
    assert "Firefox on Linux" in page
    # The newest first.
    answer = ada.submit(end_buttons(ada)[0])
    assert (answer.status_code, answer.location) == (303, "/account")
    assert not is_signed_in(other.browser)
    assert is_signed_in(ada.browser)
    assert len(end_buttons(ada)) == 1


def test_ending_ones_own_session_is_signing_out(ada: Person) -> None:
    answer = ada.submit(end_buttons(ada)[0])
    assert (answer.location, answer.headers["Clear-Site-Data"]) == ("/sign-in", '"cache"')
    assert not is_signed_in(ada.browser)


def test_all_sessions_are_ended_at_once_and_no_other_accounts(ada: Person, site: Site) -> None:
    others, bob = [again(ada, site) for _ in range(2)], site.person()
    assert ada.submit("/account/sessions/end").location == "/sign-in"
    for person in (ada, *others):
        assert not is_signed_in(person.browser)
    assert is_signed_in(bob.browser)


def test_a_new_password_ends_the_other_sessions_and_copies_of_them(ada: Person, site: Site) -> None:
    other = again(ada, site)
    thief = copy_of(other, site)
    answer = ada.submit("/account/password", present=PASSWORD, password=NEW_PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert is_signed_in(ada.browser)
    assert not is_signed_in(other.browser)
    assert not is_signed_in(thief)
    assert other.sign_in().status_code == 422
    assert other.sign_in(NEW_PASSWORD).status_code == 303


@pytest.mark.parametrize(
    ("present", "password", "words"),
    [
        ("not the password", NEW_PASSWORD, "This is not your current password."),
        ("", NEW_PASSWORD, "Enter your current password."),
        (PASSWORD, "2 short", "Choose a password of 10 to 200 characters."),
    ],
)
def test_a_password_is_changed_only_by_who_knows_it(
    ada: Person, site: Site, present: str, password: str, words: str
) -> None:
    other = again(ada, site)
    answer = ada.submit("/account/password", present=present, password=password)
    assert answer.status_code == 422
    assert words in answer.text
    assert password not in answer.text
    assert is_signed_in(other.browser)
    assert again(ada, site)


def test_guesses_with_a_stolen_session_keep_its_owner_from_nothing(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(limits=True)
    ada = site.person()
    thief = Person(site.client(), ada.account_id, ada.email)
    thief.sign_in()
    guesses = [
        thief.submit("/account/password", present="", password=NEW_PASSWORD) for _ in range(11)
    ]
    assert [answer.status_code for answer in guesses] == [422] * 10 + [429]
    answer = ada.submit("/account/password", present=PASSWORD, password=NEW_PASSWORD)
    assert answer.status_code == 303
    assert not is_signed_in(thief.browser)


def seen_ago(site: Site, person: Person, ago: timedelta) -> None:
    with site.runtime.database.session() as session:
        mine = update(BrowserSession).where(BrowserSession.account_id == person.account_id)
        session.execute(mine.values(last_seen_at=utc_now() - ago))


def last_seen(site: Site, person: Person) -> timedelta:
    with site.runtime.database.reading() as session:
        (found,) = sessions.of_account(session, account_id=person.account_id, now=utc_now())
    return utc_now() - found.last_seen_at


def test_a_page_is_noted_once_an_hour_and_what_its_programs_ask_for_never(
    ada: Person, site: Site
) -> None:
    for ago, path, is_noted in (
        (timedelta(minutes=59), "/jobs", False),
        (timedelta(minutes=61), "/api/jobs", False),
        (timedelta(minutes=61), "/jobs", True),
    ):
        seen_ago(site, ada, ago)
        assert ada.browser.get(path).status_code == 200
        assert (last_seen(site, ada) < timedelta(minutes=1)) is is_noted


def test_a_session_that_was_not_seen_for_a_month_is_over(ada: Person, site: Site) -> None:
    seen_ago(site, ada, sessions.LIFE)
    assert not is_signed_in(ada.browser)


def test_a_user_agent_of_any_text_harms_no_page(ada: Person, site: Site) -> None:
    other = Person(site.client(), ada.account_id, ada.email)
    other.browser.environ_base["HTTP_USER_AGENT"] = "<script>alert(1)</script>" + "x" * 5000
    assert other.sign_in().status_code == 303
    assert "<script>alert" not in ada.browser.get("/account").text


def test_a_page_can_ask_whose_session_it_has(ada: Person, anyone: FlaskClient) -> None:
    assert ada.browser.get("/api/session").json == {"account": str(ada.account_id)}
    assert anyone.get("/api/session").status_code == 401


def test_a_sign_in_takes_no_session_that_somebody_else_prepared(site: Site) -> None:
    _, email = site.account()
    browser = site.client()
    browser.get("/sign-in")
    prepared = browser.get_cookie("earmark").value
    submit(browser, "/sign-in", email=email, password=PASSWORD)
    thief = site.client()
    thief.set_cookie("earmark", prepared)
    assert is_signed_in(browser)
    assert not is_signed_in(thief)
