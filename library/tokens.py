"""Tokens: secrets that are given out once and kept as hashes alone."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32


def new_token() -> str:
    """A secret that nobody guesses, of letters that an address may hold."""
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: str) -> str:
    """By what a token is found again. A guess at 256 bits needs no slow hash against it."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
