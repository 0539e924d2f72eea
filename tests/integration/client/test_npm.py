"""npm runs the client's own tests, checks its types, and finds the built files up to date."""

from __future__ import annotations

import pytest

from tests import client


@pytest.mark.usefixtures("tools")
def test_types_hold_and_generated_files_are_as_their_sources_say():
    client.run(["npm", "run", "--silent", "check"], seconds=100)


@pytest.mark.usefixtures("tools")
def test_the_clients_own_tests_pass():
    client.run(["npm", "test", "--silent"], seconds=110)
