"""What a real server says takes the way that is compiled, and the other one without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from progress import shortcut as shortcuts
from progress.hub import Hub
from progress.redis import RedisLog
from progress.testing import entries_of, fresh_ref, item, status
from tests.servers import Server
from tests.unit.progress.browsers import browse, close_all
from tests.unit.progress.test_shortcut import compiled

__all__ = ["compiled"]

ITEMS = 40
#: Longer than what comes in it is written together.
QUIET_SECONDS = 0.06


@pytest.fixture(autouse=True)
def close_browsers() -> Iterator[None]:
    yield
    close_all()


class Counting:
    """The compiled part, and how often it did all there was to do."""

    def __init__(self) -> None:
        self.done = 0

    def take(self, *arguments: Any) -> Any:
        taken = _compiled.take(*arguments)
        self.done += taken is not None and taken[0] == b""
        return taken


_compiled = shortcuts._shortcut


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("is_on", [True, False], ids=["with it", "without it"])
def test_every_event_of_a_real_server_is_read_once_in_order(
    valkey_server: Server, monkeypatch: pytest.MonkeyPatch, *, is_on: bool
) -> None:
    counting = Counting()
    monkeypatch.setattr(shortcuts, "_shortcut", counting)
    monkeypatch.setenv(shortcuts.VARIABLE, "1" if is_on else "0")
    log = RedisLog(valkey_server.url)
    hub, ref = Hub(log), fresh_ref()
    log.append(ref, [status("running")], attempt=1)
    readers = [browse(hub, ref) for _ in range(3)]
    for reader in readers:
        reader.read_first()
    for number in range(ITEMS):
        log.append(ref, [item(str(number), "succeeded")], attempt=1)
        time.sleep(QUIET_SECONDS if number % 4 else 0)
    log.append(ref, [status("completed")], attempt=1)
    for reader in readers:
        reader.read_until_closed()
        assert reader.ids == [str(entry.cursor) for entry in entries_of(log, ref)]
    assert counting.done >= ITEMS / 8 if is_on else counting.done == 0
    hub.close()
    log.close()
