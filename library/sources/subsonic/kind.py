"""Music servers as a kind of source: how one is added, kept and opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from ...errors import SourceRefused, SourceUnavailable
from ...sealing import CannotSeal, CannotUnseal, seal, unseal
from ..source import FormField, Installation, Located, MusicSource, SourceRow
from .address import ServerAddress
from .cache import SoundCache
from .client import BRIEF, Patience, SubsonicClient
from .errors import LoginRefused, ServerError
from .login import Login, Way
from .server import MusicServer
from .source import SubsonicSource

NAME = "subsonic"
#: The folder below the installation's own in which fetched sound is.
SOUND_FOLDER = "sound"
_FIELDS = (
    FormField("address", "Address", "Such as https://music.example.org, as you open it."),
    FormField("user", "User name", "Leave it empty if you have an API key.", is_required=False),
    FormField(
        "password",
        "Password",
        "It is kept encrypted, and sent to this server alone.",
        is_required=False,
        is_secret=True,
    ),
    FormField(
        "api_key",
        "API key",
        "In place of user name and password, where the server gives them out.",
        is_required=False,
        is_secret=True,
    ),
)


@dataclass(frozen=True, slots=True)
class SubsonicKind:
    """Servers of the Subsonic API, such as Navidrome, Gonic and Ampache."""

    name: str = NAME
    title: str = "A music server"
    has_sound: bool = True
    fields: tuple[FormField, ...] = _FIELDS

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

    def locate(self, values: Mapping[str, str], installation: Installation) -> Located:
        """The server that a person described; it is asked once, within 10 s.

        Raises:
            SourceRefused: it does not let them in, or is none.
        """
        login = Login(values["user"], values["password"], values["api_key"])
        if not login.api_key and not (login.user and login.password):
            missing = "password" if login.user else "user"
            raise SourceRefused("Fill in user name and password, or an API key.", field=missing)
        try:
            return try_out(values["address"], login, installation=installation)
        except LoginRefused as error:
            field = "api_key" if login.api_key else "password"
            raise SourceRefused(str(error), field=field) from error
        except ServerError as error:
            raise SourceRefused(str(error), field="address") from error
        except CannotSeal as error:
            raise SourceRefused(str(error)) from error


#: Named by the entry point in pyproject.toml.
KIND = SubsonicKind()


def client_of(
    row: SourceRow, installation: Installation, *, patience: Patience | None = None
) -> SubsonicClient:
    """A client of the server of a row.

    Raises:
        SourceUnavailable: its password cannot be read.
    """
    try:
        address = ServerAddress.from_text(str(row.settings.get("address", "")))
        secret = unseal(row.secret, about=_about(row.location), key=installation.secret_key)
    except (CannotUnseal, ServerError) as error:
        raise SourceUnavailable(f"The music server {row.name} cannot be asked. {error}") from error
    return SubsonicClient(
        address,
        Login(user=str(row.settings.get("user", "")), **orjson.loads(secret)),
        allows_private=installation.private_servers,
        way=Way.from_json(row.settings.get("way")),
        patience=patience,
    )


def try_out(address: str, login: Login, *, installation: Installation) -> Located:
    """Ask a server once, within 10 s, and seal what it is asked by.

    Raises:
        ServerError: it does not let this person in, in a sentence for them.
        CannotSeal: the installation has no key to keep passwords by.
    """
    server = ServerAddress.from_text(address)
    if login.api_key:
        # It stands for its user.
        login = Login(api_key=login.api_key)
    said = {"api_key": login.api_key} if login.api_key else {"password": login.password}
    location = _location(server, login)
    key = installation.secret_key
    secret = seal(orjson.dumps(said).decode(), about=_about(location), key=key)
    private = installation.private_servers
    with SubsonicClient(server, login, allows_private=private, patience=BRIEF) as client:
        # It has asked the server whether it lets this person in.
        way = client.way
    settings = {"address": server.text, "user": login.user, "way": way.as_json()}
    return Located(location, _name(server), settings, secret)


def _name(server: ServerAddress) -> str:
    return server.text.partition("://")[2]


def _location(server: ServerAddress, login: Login) -> str:
    """The address with the user in it, so that one account may have several users' music."""
    user = f"{quote(login.user, safe='')}@" if login.user else ""
    scheme, _, rest = server.text.partition("://")
    return f"{scheme}://{user}{rest}"


def _about(location: str) -> str:
    """What binds a secret to its server and user: moved to another's row, it does not open."""
    return f"{NAME} {location}"
