"""Behind proxies each visitor is limited alone, and an address that is made up dodges no limit."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.certificates import gunicorn_options
from tests.integration.web.conftest import PASSWORD, Site, submit, token
from tests.integration.web.served import Served, serve
from tests.nginx import nginx
from tests.servers import Server
from web.proxies import address_of, network_of

#: What a visitor sends to be somebody else with each request; `{}` is another address each time.
FORGED = (
    "{}",
    "{}, {}, {}",
    '"{}',
    '"{}", "x',
    "{}\\",
    "{}:4711",
    "[::1]:{}",
    "unknown",
    ",,,{},,",
)


def anywhere() -> str:
    return str(IPv4Address(random.getrandbits(32)))


def visit(site: Site, count: int, visitor: str, forged: str | None = None) -> FlaskClient:
    """A browser behind a number of proxies, each of which adds the address that asked it."""
    browser = site.client()
    hops = [visitor, *(f"10.255.0.{number}" for number in range(1, count + 1))]
    entries = ([forged.replace("{}", anywhere())] if forged else []) + hops[:-1]
    browser.environ_base["REMOTE_ADDR"] = hops[-1]
    if entries:
        browser.environ_base["HTTP_X_FORWARDED_FOR"] = ", ".join(entries)
    return browser


def guess(browser: FlaskClient) -> int:
    """The status of one more try. Without a password it costs no hash, and is counted alike."""
    email = f"{random.getrandbits(64)}@example.org"
    return submit(browser, "/sign-in", email=email, password="").status_code


@pytest.fixture(scope="module", params=[0, 1, 2])
def behind(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> tuple[Site, int]:
    count: int = request.param
    return make_site(limits=True, EARMARK_TRUSTED_PROXIES=str(count)), count


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_address_dodges_no_limit(behind: tuple[Site, int], forged: str) -> None:
    site, count = behind
    visitor = anywhere()
    statuses = [guess(visit(site, count, visitor, forged)) for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_two_visitors_behind_the_same_proxies_are_limited_each_alone(
    behind: tuple[Site, int],
) -> None:
    site, count = behind
    one, other = anywhere(), anywhere()
    assert [guess(visit(site, count, one)) for _ in range(11)][-1] == 429
    assert guess(visit(site, count, other)) == 422


def test_with_fewer_entries_than_proxies_the_first_is_one_of_theirs(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(limits=True, EARMARK_TRUSTED_PROXIES="3")
    one, other = anywhere(), anywhere()
    assert [guess(visit(site, 2, one)) for _ in range(11)][-1] == 429
    assert guess(visit(site, 2, other)) == 422


def test_another_address_of_the_same_ipv6_network_is_the_same_visitor(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(limits=True, EARMARK_TRUSTED_PROXIES="1")
    network = random.getrandbits(64) << 64
    addresses = [str(IPv6Address(network | random.getrandbits(64))) for _ in range(11)]
    assert [guess(visit(site, 1, address)) for address in addresses][-1] == 429


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "None"),
        ("_hidden", "None"),
        ("", "None"),
    ],
)
def test_an_entry_is_an_address_with_or_without_a_port(entry: str, address: str) -> None:
    assert str(address_of(entry)) == address


def test_the_zone_of_an_address_makes_no_other_network() -> None:
    assert network_of("fe80::1%a") == network_of("fe80::1%b") == "fe80::/64"


def test_guesses_from_everywhere_do_not_close_a_session_that_is_open(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(limits=True)
    ada = site.person()
    stranger = f"{random.getrandbits(64)}@example.org"
    for email in (ada.email, stranger):
        answers = [
            submit(site.client(), "/sign-in", email=f" {email.upper()}", password="")
            for _ in range(21)
        ]
        # Known or not, the same is said, as often.
        assert [answer.status_code for answer in answers] == [422] * 20 + [429]
        assert "Too many tries" in answers[-1].text
    assert ada.browser.get("/").status_code == 200
    assert ada.start("sync").status_code == 202
    assert ada.submit("/sign-out").status_code == 303


@pytest.fixture(scope="module")
def served(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gunicorn behind a proxy, where FORWARDED_ALLOW_IPS is set as Heroku sets it."""
    settings = {
        "FORWARDED_ALLOW_IPS": "*",
        "EARMARK_TRUSTED_PROXIES": "1",
        "EARMARK_SECURE_COOKIES": "yes",
    }
    with serve(valkey_server, tmp_path_factory.mktemp("served"), **settings) as found:
        yield found


def test_gunicorn_believes_no_header_that_the_proxies_do_not_set(served: Served) -> None:
    answer = served.get("/", Script_Name="//evil.example", SCRIPT_NAME="//evil.example")
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/")
    answer = served.get("/", PATH_INFO="/sign-in")
    assert answer.status == 303


def test_contradicting_schemes_are_no_fault_and_cookies_stay_secure(served: Served) -> None:
    for forged in ("http", "https", "ftp", "https, http", ""):
        answer = served.get("/sign-in", **{"X-Forwarded-Proto": forged, "X-Forwarded-Ssl": "on"})
        assert answer.status == 200
        assert "Secure" in answer.headers["Set-Cookie"]
        assert answer.headers["Strict-Transport-Security"]


def test_by_a_real_gunicorn_a_forged_address_dodges_no_limit(served: Served) -> None:
    # The header twice: what the visitor sends, and what the proxy adds on a line of its own.
    visitor = anywhere()
    statuses = [
        served.post(
            "/sign-in",
            {"email": f"{number}@example.org", "password": ""},
            [("X-Forwarded-For", anywhere()), ("X-Forwarded-For", visitor)],
        ).status
        for number in range(11)
    ]
    assert statuses == [422] * 10 + [429]


def test_a_form_by_https_is_taken_where_the_proxy_says_so(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(secure=True, EARMARK_TRUSTED_PROXIES="1")
    _, email = site.account()
    browser = visit(site, 1, anywhere())
    browser.environ_base["HTTP_X_FORWARDED_PROTO"] = "https"
    browser.environ_base["HTTP_HOST"] = "earmark.example"
    https = {"base_url": "https://earmark.example"}
    page = browser.get("/sign-in", **https)
    field = page.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    form = {"email": email, "password": PASSWORD, "csrf_token": field}
    elsewhere = browser.post("/sign-in", data=form, headers={"Referer": "https://evil.example/"})
    assert elsewhere.status_code == 400
    own = {"Referer": "https://earmark.example/sign-in"}
    assert browser.post("/sign-in", data=form, headers=own, **https).status_code == 303


def test_a_form_comes_through_an_nginx_that_is_set_as_the_document_says(
    served: Served, tmp_path: Path
) -> None:
    operations = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    said = "\n".join(re.findall(r"^    (proxy_set_header .+;)$", operations, re.MULTILINE))
    key, certificate = (option.partition("=")[2] for option in gunicorn_options(tmp_path))
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};\n{said}"
    upstream = f"127.0.0.1:{served.port}"
    with nginx(tmp_path, upstream, how=" ssl", settings=tls) as port:
        # A port of its own, which browsers say in Host, Origin and Referer.
        through = replace(served, port=port, is_tls=True)
        own = [("Referer", f"https://127.0.0.1:{port}/sign-in")]
        form = {"email": "nobody@example.org", "password": ""}
        assert through.post("/sign-in", form, own).status == 422
        elsewhere = [("Referer", "https://evil.example/")]
        assert through.post("/sign-in", form, elsewhere).status == 400
    log = (served.folder / "output.txt").read_text()
    assert "WARNING web.problems" in log
    assert "Refused: The referrer does not match the host." in log


def test_the_token_of_a_page_is_known_behind_proxies(behind: tuple[Site, int]) -> None:
    site, count = behind
    assert token(visit(site, count, anywhere()), "/sign-in")
