from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.sources.subsonic.guard import reason_against

METADATA = [
    *("169.254.169.254", "169.254.0.1", "169.254.170.2", "fd00:ec2::254", "fd20:ce::254"),
    *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
    # The same behind other spellings.
    *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::169.254.169.254", "2002:a9fe:a9fe::1"),
]
NOBODYS = ["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1"]
NOBODYS += ["64:ff9b:1::a00:1"]
PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1"),
    *("::1", "fe80::1", "fc00::1", "fd12:3456::1", "fec0::1", "::ffff:10.0.0.1", "2002:a00:1::1"),
    "64:ff9b::a00:1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


def refused(text: str, *, allows_private: bool) -> bool:
    return reason_against(ipaddress.ip_address(text), allows_private=allows_private) is not None


@pytest.mark.parametrize("address", [*METADATA, *NOBODYS])
def test_some_addresses_are_never_connected_to(address: str) -> None:
    assert refused(address, allows_private=True)
    assert refused(address, allows_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_connected_to_where_the_operator_says_so(address: str) -> None:
    assert refused(address, allows_private=False)
    assert not refused(address, allows_private=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_connected_to(address: str) -> None:
    assert not refused(address, allows_private=False)


@given(st.ip_addresses(v=4))
def test_an_address_means_the_same_however_it_is_written(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    translated = ipaddress.IPv6Address(int(ipaddress.ip_address("64:ff9b::")) + int(address))
    for allows_private in (True, False):
        plain = reason_against(address, allows_private=allows_private)
        assert reason_against(mapped, allows_private=allows_private) == plain
        assert reason_against(translated, allows_private=allows_private) == plain


@given(st.ip_addresses())
def test_nothing_but_global_addresses_is_connected_to_by_default(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global:
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is None or not mapped.is_global:
            assert reason_against(address, allows_private=False) is not None
