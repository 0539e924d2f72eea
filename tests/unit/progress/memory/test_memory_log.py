"""The in-memory log passes the contract."""

from __future__ import annotations

import pytest

from progress.log import Log
from progress.memory import MemoryLog
from progress.testing import LogContract, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestMemoryLog(LogContract):
    @pytest.fixture
    def log(self, clock: ManualClock) -> Log:
        return MemoryLog(clock=clock)
