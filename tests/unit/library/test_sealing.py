from __future__ import annotations

import pytest

from library.sealing import CannotSeal, CannotUnseal, derived_key, seal, unseal

KEY = "a secret key of some length"


def test_a_secret_opens_by_its_key_for_what_it_is_about() -> None:
    sealed = seal("correct hörse", about="source 1", key=KEY)
    assert b"horse" not in sealed
    assert unseal(sealed, about="source 1", key=KEY) == "correct hörse"
    assert seal("correct hörse", about="source 1", key=KEY) != sealed


@pytest.mark.parametrize(
    ("about", "key", "said"),
    [
        ("source 2", KEY, "enter it again"),
        ("source 1", KEY + "x", "enter it again"),
        ("source 1", None, "for the workers"),
    ],
)
def test_what_does_not_open_is_told_in_a_sentence(about: str, key: str | None, said: str) -> None:
    sealed = seal("correct horse", about="source 1", key=KEY)
    with pytest.raises(CannotUnseal, match=said):
        unseal(sealed, about=about, key=key)


def test_no_changed_byte_opens() -> None:
    sealed = seal("correct horse", about="source 1", key=KEY)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CannotUnseal):
            unseal(changed, about="source 1", key=KEY)
    for nothing in (None, b"", b"\x01"):
        with pytest.raises(CannotUnseal):
            unseal(nothing, about="source 1", key=KEY)


@pytest.mark.parametrize("key", [None, "", "short"])
def test_without_a_good_key_nothing_is_kept(key: str | None) -> None:
    with pytest.raises(CannotSeal, match="SECRET_KEY"):
        seal("correct horse", about="source 1", key=key)


def test_the_key_is_made_as_rfc_5869_says() -> None:
    """Its third test case, to the length of one block."""
    made = derived_key(b"\x0b" * 22, purpose=b"")
    assert made.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
