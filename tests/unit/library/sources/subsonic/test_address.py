from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.sources.subsonic.address import ServerAddress
from library.sources.subsonic.errors import AddressRefused


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("music.example.org", "https://music.example.org"),
        (" https://Music.Example.org:443/ ", "https://music.example.org"),
        ("http://music.example.org:4533/navidrome/", "http://music.example.org:4533/navidrome"),
        ("https://music.example.org/rest/", "https://music.example.org"),
        ("https://music.example.org/music/rest", "https://music.example.org/music"),
        ("[2001:db8::1]:4040", "https://[2001:db8::1]:4040"),
        ("http://192.168.1.7", "http://192.168.1.7"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_address_is_taken_as_people_type_it(typed: str, meant: str) -> None:
    assert ServerAddress.from_text(typed).text == meant


def test_the_url_of_a_call_follows_the_path() -> None:
    address = ServerAddress.from_text("https://music.example.org:8443/audio")
    assert address.url("ping") == "https://music.example.org:8443/audio/rest/ping.view"


@pytest.mark.parametrize(
    "typed",
    [
        *("", "ftp://music.example.org", "https://", "https://ada:secret@music.example.org"),
        *("https://music.example.org/?p=1", "https://music.example.org:0", "https://a:99999"),
        *("https://music example.org", "https://-", "file:///etc/passwd", "https://[fe80::1%25lo]"),
        *("https://music.example.org/\x00", "https://" + "a" * 600, "https://a..b"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(AddressRefused, match=r"\.$") as refused:
        ServerAddress.from_text(typed)
    assert "secret" not in str(refused.value)


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_addresses(typed: str) -> None:
    try:
        address = ServerAddress.from_text(typed)
    except AddressRefused:
        return
    assert ServerAddress.from_text(address.text) == address


@pytest.mark.parametrize(
    ("location", "is_allowed"),
    [
        ("http://music.example.org/x", True),
        ("https://music.example.org/x", True),
        ("http://music.example.org:81/x", False),
        ("http://other.example.org/x", False),
        ("http://music.example.org@other.example.org/", False),
        ("http://ada@music.example.org/", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_a_redirect_stays_on_the_server(location: str, is_allowed: bool) -> None:
    address = ServerAddress.from_text("http://music.example.org")
    assert address.allows_redirect_to(location) is is_allowed


def test_no_redirect_leads_from_https_to_http() -> None:
    address = ServerAddress.from_text("https://music.example.org")
    assert not address.allows_redirect_to("http://music.example.org/")
