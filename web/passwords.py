"""Passwords: hashed with Argon2id, with the parameters argon2-cffi recommends."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
#: A password for an address without an account is compared with this hash, so that the time taken
#: does not tell that there is none.
_NOBODYS_HASH = _hasher.hash("nobody has this password")


def hash_password(plain: str) -> str:
    """The hash to keep, its salt and parameters in it."""
    return _hasher.hash(plain)


def verify_password(hashed: str | None, plain: str) -> bool:
    """Whether ``plain`` is the password that was hashed; False, as slowly, where there is none."""
    try:
        return _hasher.verify(hashed or _NOBODYS_HASH, plain) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(hashed: str) -> bool:
    """Whether the hash was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(hashed)
