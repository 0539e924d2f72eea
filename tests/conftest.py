"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import Server, valkey


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Server]:
    """One real server for all tests that do not break it; each uses accounts of its own."""
    with valkey() as server:
        yield server
