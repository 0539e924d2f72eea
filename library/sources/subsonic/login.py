"""Who asks a server, and by which of the API's ways it is told. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Method = Literal["POST", "GET"]
Proof = Literal["api_key", "token", "password"]

_METHODS: tuple[Method, ...] = ("POST", "GET")
_PROOFS: tuple[Proof, ...] = ("api_key", "token", "password")
#: Servers may refuse a client whose version of the API is above their own. Tokens need the first,
#: all that is asked otherwise the second.
VERSIONS = ("1.13.0", "1.8.0")

#: The names of what the server offers (opensubsonic.netlify.app/docs/extensions).
FORM_POST, API_KEYS = "formPost", "apiKeyAuthentication"


@dataclass(frozen=True, slots=True)
class Login:
    """A user name with a password, or an API key, which stands for both."""

    user: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)

    def parameters(self, proof: Proof) -> dict[str, str]:
        """What is sent with each call to prove who asks."""
        if proof == "api_key":
            return {"apiKey": self.api_key}
        if proof == "token":
            salt = secrets.token_hex(8)
            # The API's own rule: it wants MD5, which is why HTTPS matters.
            token = hashlib.md5(f"{self.password}{salt}".encode(), usedforsecurity=False)
            return {"u": self.user, "t": token.hexdigest(), "s": salt}
        return {"u": self.user, "p": f"enc:{self.password.encode().hex()}"}

    def redacted(self, text: str) -> str:
        """A text in which the secrets are not found."""
        password = self.password
        for secret in (self.api_key, password, password.encode().hex()):
            if len(secret) > 2:
                text = text.replace(secret, "…")
        return text


@dataclass(frozen=True, slots=True)
class Way:
    """How calls are sent: by which method of HTTP, with which proof, by which version."""

    method: Method
    proof: Proof
    version: str = VERSIONS[0]

    @classmethod
    def from_json(cls, told: object) -> Way | None:
        """The way that was kept by `as_json`; None where none was."""
        known = (
            cls(method, proof, version)
            for method in _METHODS
            for proof in _PROOFS
            for version in VERSIONS
        )
        return next((way for way in known if way.as_json() == told), None)

    @property
    def resuming(self) -> Way | None:
        """How a part of a file is asked for; None where that would put a secret into an address.

        Only GET knows parts (RFC 9110 §14.2). A token stands in the address then, with a salt of
        its own; a password or an API key never does where the server reads forms.
        """
        if self.method == "GET":
            return self
        return replace(self, method="GET") if self.proof == "token" else None

    def as_json(self) -> dict[str, Any]:
        """The way as the settings of a source keep it."""
        return asdict(self)


def ways(login: Login) -> Iterator[Way]:
    """The ways to try, in order: a form before an address, a token before the password itself."""
    proofs = _PROOFS[:1] if login.api_key else _PROOFS[1:]
    for method in _METHODS:
        for proof in proofs:
            yield Way(method, proof)
