"""The site's security headers, the proxies it believes, and its rate limits."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.integration.web.conftest import PASSWORD, Person, Site, submit, token
from tests.servers import free_port
from web import cookies
from web.app import create_app
from web.security import POLICY


def test_every_answer_holds_the_page_to_itself(ada: Person):
    for path in ("/", "/nothing", "/api/jobs", "/api/nothing", "/static/earmark.css"):
        with ada.browser.get(path) as answer:
            headers = answer.headers
        assert headers["Content-Security-Policy"] == POLICY, path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert "unsafe" not in POLICY


def test_no_page_has_a_script_or_a_style_of_its_own(ada: Person):
    for path in ("/", "/library", "/jobs", "/proposals", "/nothing"):
        page = ada.browser.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick" not in page
        assert "<script>" not in page


def test_what_an_account_has_is_kept_by_no_cache(ada: Person):
    for path in ("/", "/library", "/api/jobs"):
        assert ada.browser.get(path).headers["Cache-Control"] == "no-store"


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(make_site: Callable[..., Site]):
    site = make_site(secure=True)
    _, email = site.account()
    browser = site.client()
    https = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/sign-in"}}
    page = browser.get("/sign-in", **https)
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    field = page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    form = {"email": email, "password": PASSWORD, "csrf_token": field}
    answer = browser.post("/sign-in", data=form, **https)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/"):
        assert part in cookie


def test_a_plain_site_sends_its_cookie_over_http(ada: Person):
    answer = ada.browser.get("/")
    assert "Strict-Transport-Security" not in answer.headers


def test_a_form_without_the_token_is_refused_in_words(ada: Person):
    for path in ("/jobs", "/sign-out"):
        answer = ada.browser.post(path, data={"kind": "sync"})
        assert answer.status_code == 400
        assert "Load it again" in answer.text
    assert ada.browser.get("/").status_code == 200


def test_the_api_asks_for_the_token_too(ada: Person):
    answer = ada.browser.post("/api/jobs", json={"kind": "sync"})
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert "X-CSRFToken" in answer.json["detail"]
    other = {"X-CSRFToken": "of another session"}
    assert ada.browser.post("/api/jobs", json={"kind": "sync"}, headers=other).status_code == 400


def test_a_session_that_was_changed_is_none(site: Site, ada: Person):
    cookie = ada.browser.get_cookie("earmark").value
    stranger = site.client()
    stranger.set_cookie("earmark", cookie[:-3] + "AAA")
    assert stranger.get("/").status_code == 303


def test_a_site_without_a_key_is_none(site: Site):
    from dataclasses import replace

    with pytest.raises(ValueError, match="SECRET_KEY"):
        create_app(replace(site.runtime.settings, secret_key=None))


def test_signing_in_may_be_tried_ten_times_a_minute(make_site: Callable[..., Site]):
    browser = make_site(limits=True).client()
    field = token(browser, "/sign-in")

    def attempt(number: int):
        form = {"email": f"{number}@example.org", "password": "a guess", "csrf_token": field}
        return browser.post("/sign-in", data=form)

    statuses = [attempt(number).status_code for number in range(11)]
    assert statuses == [422] * 10 + [429]
    answer = attempt(12)
    assert "Too many tries" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert browser.get("/sign-in").status_code == 200


def test_one_account_is_guarded_from_guesses_from_anywhere(make_site: Callable[..., Site]):
    site = make_site(limits=True)
    _, email = site.account()

    def attempt(password: str):
        return submit(site.client(), "/sign-in", email=email, password=password).status_code

    # What succeeds is not counted.
    assert [attempt(PASSWORD) for _ in range(3)] == [303] * 3
    assert [attempt("a guess") for _ in range(21)] == [422] * 20 + [429]
    assert attempt(PASSWORD) == 429


def test_too_many_jobs_a_minute_are_a_problem_with_a_time_to_wait(make_site: Callable[..., Site]):
    person = make_site(limits=True).person()
    field = {"X-CSRFToken": token(person.browser, "/")}
    for _ in range(61):
        answer = person.browser.post("/api/jobs", json={"kind": "nonsense"}, headers=field)
    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_fault_is_told_without_its_reason(make_site: Callable[..., Site], caplog):
    site = make_site()
    person = site.person()
    with site.runtime.database.session() as session:
        session.execute(text("ALTER TABLE jobs RENAME TO lost"))
    caplog.set_level(logging.CRITICAL, logger="web.problems")
    page = person.browser.get("/jobs")
    assert page.status_code == 500
    assert "It is not your fault" in page.text
    answer = person.browser.get("/api/jobs")
    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    for told in (page.text, answer.text):
        assert "Traceback" not in told
        assert "sqlalchemy" not in told.lower()


def test_without_redis_people_still_sign_in_and_jobs_are_refused_in_words(make_site, caplog):
    caplog.set_level(logging.CRITICAL)
    site = make_site(redis_url=f"redis://127.0.0.1:{free_port()}/0", limits=True)
    person = site.person()
    for path in ("/", "/library", "/jobs", "/proposals"):
        assert person.browser.get(path).status_code == 200
    answer = person.start("sync")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    job = person.browser.get("/api/jobs").json["jobs"][0]
    assert (job["status"], job["error"]["code"]) == ("failed", "queue_unavailable")
    assert "could not be queued" in person.browser.get(f"/jobs/{job['id']}").text
    answer = person.submit("/jobs", kind="sync")
    assert "could not be queued" in person.browser.get(answer.location).text


def test_a_page_renews_a_session_of_yesterday_and_what_its_programs_ask_for_does_not(
    ada: Person, monkeypatch: pytest.MonkeyPatch
):
    ada.browser.get("/jobs")  # the first page's form adds its token
    assert "Set-Cookie" not in ada.browser.get("/jobs").headers
    now = time.time()
    monkeypatch.setattr("web.cookies.time.time", lambda: now + cookies.RENEW_SECONDS + 1)
    assert "Set-Cookie" not in ada.browser.get("/api/jobs").headers
    assert "Set-Cookie" in ada.browser.get("/jobs").headers
    assert ada.browser.get("/jobs").status_code == 200


def test_a_cookie_that_was_made_up_is_no_session_and_no_fault(site: Site):
    for made_up in ("a.b.c", "...", "abc", ""):
        browser = site.client()
        browser.set_cookie("earmark", made_up)
        assert browser.get("/jobs").status_code == 303
        assert browser.get("/sign-in").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//library",
        "/library//",
        "///evil.example/..",
        "//evil.example/jobs",
        "/jobs//x",
        "/static",
        "/static/",
        "//static/earmark.css",
        "/account/sessions//end",
        "/sign-in?next=//evil.example",
        "/sign-up",
        "/nothing/",
        "/%2f%2fevil.example/",
        "/\\evil.example//x",
    ],
)
def test_no_answer_leads_to_the_host_that_a_stranger_names(
    ada: Person, anyone: FlaskClient, path: str
) -> None:
    for browser in (ada.browser, anyone):
        for headers in (
            {"Host": "evil.example"},
            {"Host": "evil.example:80", "X-Forwarded-Host": "evil.example"},
            {"Forwarded": "host=evil.example", "X-Forwarded-Prefix": "//evil.example"},
        ):
            # Not as an address, whose first part a client takes for a host.
            asked = {"PATH_INFO": path.partition("?")[0]}
            with browser.get(path, headers=headers, environ_overrides=asked) as answer:
                location = answer.headers.get("Location", "/")
            assert re.match(r"/(?![/\\])", location), (path, location)
            assert "evil.example" not in location.partition("?")[0].split("/")[1], location


def test_a_redirect_of_the_routing_still_leads_to_its_page(ada: Person) -> None:
    answer = ada.browser.get("/jobs//x?after=a", headers={"Host": "evil.example"})
    assert answer.status_code == 308
    assert answer.headers["Location"] == "/jobs/x?after=a"
