"""Music servers as a kind of source: how one is added, kept and opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from ...errors import SourceUnavailable
from ...sealing import CannotUnseal, seal, unseal
from ..source import Installation, MusicSource, SourceRow
from .address import ServerAddress
from .cache import SoundCache
from .client import BRIEF, SubsonicClient
from .errors import ServerError
from .login import Login, Way
from .server import MusicServer
from .source import SubsonicSource

NAME = "subsonic"
#: The folder below the installation's own in which fetched sound is.
SOUND_FOLDER = "sound"
#: Divides the server's address from the user's name in a location: no address holds it.
_USER = "#"


@dataclass(frozen=True, slots=True)
class NewSource:
    """What is kept of a server that let somebody in."""

    location: str
    name: str
    settings: Mapping[str, Any]
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubsonicKind:
    """Servers of the Subsonic API, such as Navidrome, Gonic and Ampache."""

    name: str = NAME
    title: str = "A music server"
    has_sound: bool = True

    def open(self, row: SourceRow, installation: Installation) -> MusicSource:
        """The server of a row.

        Raises:
            SourceUnavailable: its password cannot be read.
        """
        client = client_of(row, installation)
        sounds = SoundCache(installation.data_dir / SOUND_FOLDER, installation.sound_cache_bytes)
        return SubsonicSource(
            MusicServer(client), source_id=row.id, name=_name(client.address), sounds=sounds
        )


#: Named by the entry point in pyproject.toml.
KIND = SubsonicKind()


def client_of(row: SourceRow, installation: Installation) -> SubsonicClient:
    """A client of the server of a row.

    Raises:
        SourceUnavailable: its password cannot be read.
    """
    try:
        address = ServerAddress.from_text(row.location.partition(_USER)[0])
        about = _about(row.location)
        secret = unseal(row.secret, about=about, key=installation.secret_key)
    except (CannotUnseal, ServerError) as error:
        raise SourceUnavailable(f"The music server {row.name} cannot be asked. {error}") from error
    return SubsonicClient(
        address,
        Login(user=str(row.settings.get("user", "")), **orjson.loads(secret)),
        allows_private=installation.private_servers,
        way=Way.from_json(row.settings.get("way")),
    )


def try_out(address: str, login: Login, *, installation: Installation) -> NewSource:
    """Ask a server once, within 10 s, and seal what it is asked by.

    Raises:
        ServerError: it does not let this person in, in a sentence for them.
        CannotSeal: the installation has no key to keep passwords by.
    """
    server = ServerAddress.from_text(address)
    location = f"{server.text}{_USER}{quote(login.user)}" if login.user else server.text
    said = {"api_key": login.api_key} if login.api_key else {"password": login.password}
    secret = seal(
        orjson.dumps(said).decode(),
        about=_about(location),
        key=installation.secret_key,
    )
    private = installation.private_servers
    with SubsonicClient(server, login, allows_private=private, patience=BRIEF) as client:
        # It has asked the server whether it lets this person in.
        way = client.way
    return NewSource(location, _name(server), {"user": login.user, "way": way.as_json()}, secret)


def _name(server: ServerAddress) -> str:
    return server.text.partition("://")[2]


def _about(location: str) -> str:
    """What binds a secret to its server and user: moved to another's row, it does not open."""
    return f"{NAME} {location}"
