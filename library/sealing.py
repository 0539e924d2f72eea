"""Secrets of people, such as passwords of their music servers, as the database keeps them.

They are encrypted with a key that is made of the installation's own secret key and is not in the
database, so that a copy of the database alone opens none of them. Whoever has both has the secrets.
"""

from __future__ import annotations

import hashlib
import hmac

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from .errors import LibraryError

#: The form of what is sealed, its first byte. Raise it when the form changes.
FORM = b"\x01"
#: What the key is for: other keys that are made of the same secret are different ones.
_PURPOSE = b"earmark: secrets of sources"
#: Shorter keys can be guessed by who has the database.
LEAST_LETTERS = 16


class CannotUnseal(LibraryError):
    """A secret that cannot be opened; its text is fit for the person whose secret it is."""


class CannotSeal(LibraryError):
    """An installation that has no key to keep secrets by; its text says what to do."""


def seal(secret: str, *, about: str, key: str | None) -> bytes:
    """A secret that opens by the same installation's key, and for the same `about` alone.

    Raises:
        CannotSeal: the installation has no key, or a short one.
    """
    if key is None or len(key) < LEAST_LETTERS:
        raise CannotSeal(
            "Earmark keeps passwords encrypted, and has no key for it here: whoever runs it sets "
            f"SECRET_KEY to a text of at least {LEAST_LETTERS} letters, the same for all processes."
        )
    return FORM + bytes(_box(key).encrypt(secret.encode(), _aad(about)))


def unseal(sealed: bytes | None, *, about: str, key: str | None) -> str:
    """What was sealed.

    Raises:
        CannotUnseal: there is nothing, the key is another one, or the bytes were changed.
    """
    if key is None:
        raise CannotUnseal(
            "The password is kept encrypted, and this process has no key for it: whoever runs "
            "Earmark sets SECRET_KEY for the workers, too."
        )
    if not sealed or sealed[:1] != FORM:
        raise CannotUnseal("There is no password any more: enter it again.")
    try:
        return _box(key).decrypt(sealed[1:], _aad(about)).decode()
    except (CryptoError, ValueError):
        raise CannotUnseal(
            "The password was kept with another SECRET_KEY, and cannot be read: enter it again."
        ) from None


def _aad(about: str) -> bytes:
    return about.encode()


def _box(key: str) -> Aead:
    return Aead(derived_key(key.encode(), purpose=_PURPOSE))


def derived_key(secret: bytes, *, purpose: bytes, salt: bytes = b"") -> bytes:
    """A key of 32 bytes made of a secret, for one purpose (HKDF with SHA-256, RFC 5869)."""
    extracted = hmac.digest(salt or bytes(32), secret, hashlib.sha256)
    return hmac.digest(extracted, purpose + b"\x01", hashlib.sha256)
