from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from library.errors import SourceRefused, SourceUnavailable
from library.sealing import CannotSeal
from library.sources.kinds import kind_of
from library.sources.source import Installation, Located, SourceRow
from library.sources.subsonic.errors import AddressRefused, LoginRefused
from library.sources.subsonic.kind import KIND, try_out
from library.sources.subsonic.login import Login
from tests.subsonic.double import Double
from tests.subsonic.sockets import serving

ACCOUNT, SOURCE = UUID(int=1), UUID(int=2)
KEY = "a secret key of some length"
LOGIN = Login("ada", "correct horse")


def installation(folder: Path, key: str | None = KEY, **said: bool) -> Installation:
    return Installation(folder, secret_key=key, **{"private_servers": True, **said})


def row(new: Located, location: str = "") -> SourceRow:
    return SourceRow(SOURCE, ACCOUNT, location or new.location, new.name, new.settings, new.secret)


def test_the_kind_is_installed() -> None:
    assert kind_of("subsonic") == KIND


def test_a_server_that_was_tried_out_is_opened_and_read(tmp_path: Path) -> None:
    double = Double.with_songs(4, sounds={"so-1": b"sound"})
    with serving(double) as address:
        new = try_out(address, LOGIN, installation=installation(tmp_path))
        assert new.location == address.replace("//", "//ada@")
        assert b"horse" not in new.secret
        assert "horse" not in repr(new)
        music = kind_of("subsonic").open(row(new), installation(tmp_path))
        assert len(music.scan().songs) == 4
        with music.sound("so-1") as path:
            assert path.is_relative_to(tmp_path / "sound")
        music.close()
    assert double.calls("ping") == 1


def test_an_api_key_is_kept_as_a_password_is(tmp_path: Path) -> None:
    double = Double(api_key="key-of-ada", extensions=("formPost", "apiKeyAuthentication"))
    with serving(double) as address:
        login = Login(api_key="key-of-ada")
        new = try_out(address, login, installation=installation(tmp_path))
        assert new.location == address
        KIND.open(row(new), installation(tmp_path)).check()
        double.api_key = "another"
        with pytest.raises(SourceUnavailable, match="API key is wrong"):
            KIND.open(row(new), installation(tmp_path)).check()


def test_what_cannot_be_added_is_told(tmp_path: Path) -> None:
    with serving(Double()) as address:
        for login, place, kind in (
            (Login("ada", "wrong"), installation(tmp_path), LoginRefused),
            (LOGIN, installation(tmp_path, private_servers=False), AddressRefused),
            (LOGIN, installation(tmp_path, None), CannotSeal),
        ):
            with pytest.raises(kind):
                try_out(address, login, installation=place)


@pytest.mark.parametrize(
    ("location", "key", "said"),
    [
        ("", "another secret key, as long", "enter it again"),
        ("", None, "for the workers"),
        ("https://ada@music.example.org", KEY, "enter it again"),
    ],
)
def test_a_password_that_does_not_open_is_asked_for_again(
    tmp_path: Path, location: str, key: str | None, said: str
) -> None:
    with serving(Double()) as address:
        new = try_out(address, LOGIN, installation=installation(tmp_path))
    with pytest.raises(SourceUnavailable, match=said):
        KIND.open(row(new, location), installation(tmp_path, key))


def values(**said: str) -> dict[str, str]:
    return {"address": "", "user": "ada", "password": "correct horse", "api_key": ""} | said


@pytest.mark.parametrize(
    ("said", "field", "sentence"),
    [
        ({"address": "ftp://x"}, "address", "must begin with"),
        ({"address": "http://169.254.169.254"}, "address", "does not connect"),
        ({"user": ""}, "user", "Fill in"),
        ({"password": ""}, "password", "Fill in"),
        ({"password": "wrong"}, "password", "user name or password is wrong"),
        ({"api_key": "some-key"}, "api_key", "takes no API keys"),
    ],
)
def test_what_a_person_fills_in_is_refused_at_its_field(
    tmp_path: Path, said: dict[str, str], field: str, sentence: str
) -> None:
    with serving(Double()) as address, pytest.raises(SourceRefused, match=sentence) as refused:
        KIND.locate(values(**{"address": address} | said), installation(tmp_path))
    assert refused.value.field == field


def test_what_a_person_fills_in_is_a_place(tmp_path: Path) -> None:
    with serving(Double()) as address:
        found = KIND.locate(values(address=address), installation(tmp_path))
        assert found.settings["address"] == address
        assert found.name == address.removeprefix("http://")
        with pytest.raises(SourceRefused, match="SECRET_KEY"):
            KIND.locate(values(address=address), installation(tmp_path, "short"))
