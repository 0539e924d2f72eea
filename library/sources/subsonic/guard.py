"""Which addresses of the network Earmark may connect to for a person. Pure.

A person names a server, and this machine connects to it: without a guard, they could reach what
only this machine can. Hosts of clouds answer their machines' own secrets at a few addresses, which
are never connected to, whatever the operator says.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Where clouds answer secrets of a machine to itself: the link-local range of IPv4 (RFC 3927), and
#: single addresses elsewhere, of Amazon, Google, Alibaba, Oracle and Azure.
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16",
            "fd00:ec2::/32",
            "fd20:ce::/64",
            "100.100.100.200/32",
            "192.0.0.192/32",
            "168.63.129.16/32",
            # "This host" (RFC 1122), which systems take for their own address.
            "0.0.0.0/8",
            "::/128",
        ),
    )
)
#: IPv6 addresses whose last 32 bits are an IPv4 address: NAT64 (RFC 6052) and what came before it.
_WITH_IPV4 = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
#: What Python takes for global: site-local addresses (RFC 3879).
_PRIVATE = (ipaddress.ip_network("fec0::/10"),)


def reason_against(address: IPAddress, *, allows_private: bool) -> str | None:
    """Why Earmark may not connect to an address, as the end of a sentence; None if it may.

    `allows_private`: whether the operator lets people name servers of the private network.
    """
    for meant in _meanings(address):
        if _is_in(meant, _NEVER) or meant.is_multicast or _is_reserved(meant):
            return "which is an address that no music server has"
        if not allows_private and (not meant.is_global or _is_in(meant, _PRIVATE)):
            return "which is an address of a private network"
    return None


def _meanings(address: IPAddress) -> Iterator[IPAddress]:
    """The address, and the IPv4 addresses that packets to it may be sent on to."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    # The mapped form is the IPv4 address itself (RFC 4291 §2.5.5.2).
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    # `::1` is the loopback, and no IPv4 address.
    if _is_in(address, _WITH_IPV4) and not address.is_loopback:
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        return
    yield ipaddress.IPv6Address(int(address))
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def _is_reserved(address: IPAddress) -> bool:
    return address.is_reserved and not address.is_loopback


def _is_in(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    return any(network.version == address.version and address in network for network in networks)
