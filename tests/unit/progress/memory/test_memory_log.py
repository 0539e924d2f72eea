"""The log in memory passes the contract of every log, and those of all abilities."""

from __future__ import annotations

import pytest

from progress.log import Log
from progress.memory import MemoryLog
from progress.testing import (
    AliasContract,
    CancelContract,
    LeaseContract,
    LogContract,
    ManualClock,
    PartContract,
    QueueContract,
    RestartContract,
    ResumeContract,
    RevocationContract,
    RunContract,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestMemoryLog(
    LogContract,
    RevocationContract,
    CancelContract,
    ResumeContract,
    LeaseContract,
    PartContract,
    AliasContract,
    RunContract,
    RestartContract,
    QueueContract,
):
    @pytest.fixture
    def log(self, clock: ManualClock) -> Log:
        return MemoryLog(clock=clock)
