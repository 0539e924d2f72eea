"""How many streams may be open, when many threads ask at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from progress.errors import ServerFull, TooManyStreams
from progress.hub.admission import Admission
from progress.limits import StreamLimits
from progress.metrics import HubMetrics

THREADS, EACH = 8, 5


class SlowMetrics(HubMetrics):
    """Metrics whose counter of refusals lets other threads run between its reading and writing."""

    __slots__ = ("_refused",)

    @property
    def refused(self) -> int:  # type: ignore[override]
        found = self._refused
        time.sleep(0.001)
        return found

    @refused.setter
    def refused(self, value: int) -> None:
        self._refused = value


def ask(admission: Admission, account: str, started: threading.Barrier) -> int:
    """How many of a thread's streams were admitted."""
    started.wait()
    admitted = 0
    for _ in range(EACH):
        try:
            admission.admit(account)
        except TooManyStreams:
            continue
        admitted += 1
    return admitted


def test_every_refusal_is_counted_once_however_many_threads_ask() -> None:
    metrics, started = SlowMetrics(), threading.Barrier(THREADS)
    admission = Admission(StreamLimits(streams_per_account=3), metrics, descriptors_each=1)
    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(ask, admission, "ada", started) for _ in range(THREADS)]
        admitted = sum(found.result() for found in asked)
    assert admitted == admission.total == 3
    assert metrics.refused == THREADS * EACH - 3


def test_a_full_process_counts_its_refusals_too_and_what_leaves_makes_room() -> None:
    metrics = HubMetrics()
    admission = Admission(StreamLimits(streams=1), metrics, descriptors_each=1)
    admission.admit("ada")
    with pytest.raises(ServerFull):
        admission.admit("bob")
    assert metrics.refused == 1
    admission.leave("ada")
    admission.admit("bob")
    assert admission.total == 1
