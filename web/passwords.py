"""Passwords: hashed with Argon2id, with the parameters argon2-cffi recommends."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


def hash_password(plain: str) -> str:
    """The hash to keep, its salt and parameters in it."""
    return _hasher.hash(plain)


def verify_password(hashed: str, plain: str) -> bool:
    """Whether ``plain`` is the password that was hashed. A damaged hash fits none."""
    try:
        return _hasher.verify(hashed, plain)
    except (VerificationError, InvalidHashError):
        return False
