"""Helpers for tests of an application that uses this library, and suites for another log.

`LogContract` is the suite that every log has to pass: subclass it, give it the fixtures `log` and
`clock`, and pytest runs all of it. `AliasContract`, `CancelContract`, `LeaseContract`,
`PartContract`, `PipelineContract`, `QueueContract`, `RestartContract`, `ResumeContract`,
`RevocationContract` and `RunContract` are suites for the abilities that a log may declare. Nothing
here imports pytest.
"""

from __future__ import annotations

from .abilities import CancelContract, PipelineContract, ResumeContract, RevocationContract
from .aliases import AliasContract
from .contract import LogContract
from .doubles import FaultyLog, ForgetfulLog, ManualClock
from .leases import LeaseContract
from .parts import PartContract
from .queues import QueueContract
from .reading import (
    entries_of,
    events_of,
    folded,
    folded_feed,
    following,
    fresh_ref,
    heard,
    item,
    status,
)
from .restarts import RestartContract
from .runs import RunContract
from .watching import Shown, watch

__all__ = [
    "AliasContract",
    "CancelContract",
    "FaultyLog",
    "ForgetfulLog",
    "LeaseContract",
    "LogContract",
    "ManualClock",
    "PartContract",
    "PipelineContract",
    "QueueContract",
    "RestartContract",
    "ResumeContract",
    "RevocationContract",
    "RunContract",
    "Shown",
    "entries_of",
    "events_of",
    "folded",
    "folded_feed",
    "following",
    "fresh_ref",
    "heard",
    "item",
    "status",
    "watch",
]
