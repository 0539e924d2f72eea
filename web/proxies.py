"""The proxies in front of the site: whose address a request has, and by which scheme it came."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SCHEMES = frozenset({"http", "https"})
#: A visitor with one IPv6 address mostly has all of a network with this prefix.
_IPV6_PREFIX = 64


class TrustedProxies:
    """WSGI middleware that believes what the nearest proxies say of a visitor.

    Each proxy adds an entry to the end of `X-Forwarded-For`: the address it was asked from. So of
    ``count`` proxies the last ``count`` entries can be believed, and what stands before them is
    whatever the visitor sent. Werkzeug's ProxyFix reads the header as a list with quoted parts, so
    that a visitor's single quotation mark swallows the entries of the proxies behind it.
    """

    def __init__(self, app: WSGIApplication, *, count: int) -> None:
        self._app, self._count = app, count

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application with the address and the scheme that the proxies told."""
        address = address_of(self._told(environ, "HTTP_X_FORWARDED_FOR"))
        scheme = self._told(environ, "HTTP_X_FORWARDED_PROTO").lower()
        if address is not None:
            environ["REMOTE_ADDR"] = str(address)
        if scheme in _SCHEMES:
            environ["wsgi.url_scheme"] = scheme
        return self._app(environ, start_response)

    def _told(self, environ: WSGIEnvironment, name: str) -> str:
        entries: list[str] = environ.get(name, "").split(",")[-self._count :]
        return entries[0].strip()


def register(app: Flask, *, count: int) -> None:
    """Have an application believe this many proxies.

    Call it after all that asks for a visitor's address: it has to stand around that.
    """
    if count:
        app.wsgi_app = TrustedProxies(app.wsgi_app, count=count)  # type: ignore[method-assign]


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address in an entry such as ``192.0.2.1:4711``; None where there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def network_of(address: str | None) -> str:
    """What one visitor has for themselves: an IPv4 address, or the network of an IPv6 address."""
    found = address_of(address or "")
    if isinstance(found, IPv6Address):
        # Without its zone, which would be another network each time.
        return str(ip_network((int(found), _IPV6_PREFIX), strict=False))
    return str(found or address)
