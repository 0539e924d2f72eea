"""Tokens: secrets that are given out once and kept as hashes alone."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32


def new_token() -> str:
    """A secret that nobody guesses, of letters that an address may hold."""
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: str) -> str:
    """The hash by which a token's row is found. 256 random bits cannot be guessed: no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
