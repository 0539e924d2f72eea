"""The address of a music server as a person types it. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import AddressRefused

#: Longest address, in letters.
MAX_LETTERS = 500
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
#: What stands before the names of the API's calls. People copy addresses with it and without.
_API = "/rest"
_EXAMPLE = "Write it as https://music.example.org, with the port and the path if it has them."


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is: scheme, host, port, and the path before ``/rest``."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def from_text(cls, text: str) -> ServerAddress:
        """The address that a person typed; https, where they did not say which.

        Raises:
            AddressRefused: the text is no address of a server.
        """
        text = text.strip()
        if not text or len(text) > MAX_LETTERS:
            raise AddressRefused(f"The address is missing or too long. {_EXAMPLE}")
        if "://" not in text:
            text = f"https://{text}"
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise AddressRefused(f"This is no address of a server. {_EXAMPLE}") from None
        if parts.scheme not in _PORTS:
            raise AddressRefused(f"The address must begin with https:// or http://. {_EXAMPLE}")
        if parts.username is not None or parts.password is not None:
            raise AddressRefused("Leave user name and password out of the address: they are asked.")
        if parts.query or parts.fragment or not parts.path.isprintable():
            raise AddressRefused(f"The address ends with its path, without ? and #. {_EXAMPLE}")
        # Port 0 is a valid number to urlsplit, and no port.
        wanted = _PORTS[parts.scheme] if port is None else port
        if not wanted:
            raise AddressRefused(f"A server's port is a number from 1 to 65535. {_EXAMPLE}")
        return cls(parts.scheme, _host(parts.hostname or ""), wanted, _path(parts.path))

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def text(self) -> str:
        """The address as it is kept and shown."""
        return f"{self.origin}{self.path}"

    def url(self, endpoint: str) -> str:
        """The URL of one of the API's calls."""
        return f"{self.text}{_API}/{endpoint}.view"

    def allows_redirect_to(self, location: str) -> bool:
        """Whether a redirect stays on this server: the same host and port, or https instead."""
        try:
            parts = urlsplit(location)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            return False
        if parts.hostname != self.host or parts.username is not None:
            return False
        is_safer = (self.scheme, parts.scheme) == ("http", "https")
        return is_safer or (parts.scheme == self.scheme and port == self.port)


def _host(host: str) -> str:
    """A host's name or number as it is looked up.

    Names with other letters are written as RFC 3490 says.
    """
    if "%" not in host:
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            pass
    try:
        ascii_name = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        ascii_name = ""
    if not _HOST.fullmatch(ascii_name) or len(ascii_name) > 253:
        raise AddressRefused(f"“{host[:80]}” is no name of a server. {_EXAMPLE}")
    return ascii_name


def _path(path: str) -> str:
    path = path.rstrip("/")
    return path.removesuffix(_API).rstrip("/")
