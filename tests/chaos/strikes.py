"""The faults of the chaos suite: the plan of each job, the fault that strikes it, and its end."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import redis

from progress.recovery import faults
from tests.chaos.plan import Plan
from tests.chaos.world import Run, World

Strike = Callable[[World, Run, random.Random], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble."""

    name: str
    plan: Plan
    #: How a job that meets it may end.
    ends: tuple[str, ...]
    strike: Strike | None = None
    #: Whether the job is sent before the fault strikes.
    is_sent: bool = True
    #: Whether a process that works on the job is lost.
    loses_work: bool = False


def _when_busy(strike: Strike) -> Strike:
    """Strike when about a third of the items are done."""

    def wait_and_strike(world: World, run: Run, chance: random.Random) -> None:
        world.wait_for_items(run, chance.randint(2, run.plan.items // 2))
        run.struck = time.monotonic()
        strike(world, run, chance)

    return wait_and_strike


def _kill_child(world: World, _: Run, chance: random.Random) -> None:
    for pid in chance.sample(children := world.crew.children(), min(2, len(children))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_children(world: World, _: Run, __: random.Random) -> None:
    """All parts that are under way at once: as many as a window has."""
    for pid in world.crew.children():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_parent(world: World, _: Run, chance: random.Random) -> None:
    world.crew.kill_parent(chance.choice(world.crew.workers))


def _kill_all(world: World, _: Run, __: random.Random) -> None:
    world.crew.signal_all(signal.SIGKILL)
    time.sleep(1)


def _warm_shutdown(world: World, _: Run, __: random.Random) -> None:
    world.crew.signal_all(signal.SIGTERM, seconds=60)


def _cold_shutdown(world: World, _: Run, __: random.Random) -> None:
    world.crew.signal_all(signal.SIGQUIT, seconds=60)


def _deploy(world: World, _: Run, __: random.Random) -> None:
    """SIGTERM to everything, and SIGKILL soon after to what is still there."""
    for worker in world.crew.workers:
        worker.send_signal(signal.SIGTERM)
    time.sleep(1)
    world.crew.signal_all(signal.SIGKILL)


def _terminate_all(world: World, _: Run, __: random.Random) -> None:
    """As a host does that sends SIGTERM to every process of a machine."""
    for pid in (*world.crew.children(), *(worker.pid for worker in world.crew.workers)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for worker in world.crew.workers:
        worker.wait(60)
    world.crew.workers.clear()


def _evict_open_parts(world: World, run: Run, _: random.Random) -> None:
    """The set of the open parts, as a server does that is short of memory."""
    world.log.client.delete(world.log.key(run.ref, "open"))


def _cut_connections(world: World, _: Run, __: random.Random) -> None:
    with redis.Redis.from_url(world.server.url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def _restart_server(world: World, _: Run, chance: random.Random) -> None:
    world.server.kill()
    time.sleep(chance.uniform(0.1, 1.5))
    world.server.start()


def _empty_server(world: World, run: Run, chance: random.Random) -> None:
    world.server.kill()
    for file in (world.server.folder / "appendonlydir").glob("*"):
        file.unlink()
    _restart_now(world)


def _restart_now(world: World) -> None:
    world.server.process = None
    world.server.start()


def _cancel(world: World, run: Run, _: random.Random) -> None:
    world.cancel(run)


def _revoke(world: World, run: Run, _: random.Random) -> None:
    world.sender.control.revoke(run.ref.job_id, terminate=True, signal="SIGKILL")


def _revoke_before(world: World, run: Run, _: random.Random) -> None:
    world.sender.control.revoke(run.ref.job_id)
    time.sleep(0.5)
    world.send(run.ref, run.plan)


def _send_twice(world: World, run: Run, _: random.Random) -> None:
    world.send(run.ref, run.plan)


def _jump(world: World, _: Run, __: random.Random) -> None:
    world.crew.kill_parent(world.crew.workers[0])
    world.crew.add(CHAOS_CLOCK="jumps")


def _crash_at(point: str) -> Strike:
    def strike(world: World, run: Run, _: random.Random) -> None:
        crashed = world.folder / f"crashed-{point}"
        crashed.unlink(missing_ok=True)
        world.crew.signal_all(signal.SIGKILL)
        world.crew.add(world.crew.size, CHAOS_CRASH_AT=point)
        world.send(run.ref, run.plan)
        if point in (faults.FOUND_LOST, faults.TOLD_LOST, faults.RESENT):
            world.wait_for_items(run, 3)
            world.crew.kill_parent(world.crew.workers[0])
        deadline = time.monotonic() + 30
        while not crashed.exists() and time.monotonic() < deadline and not run.watch.ended:
            time.sleep(0.05)

    return strike


_DONE = ("completed",)
_CHORD = Plan(items=30, shape="chord")
_WINDOW = Plan(items=60, shape="window")
#: Points that only a part of a window reaches.
_WINDOW_POINTS = (faults.OPENED, faults.SENT)

FAULTS = (
    Fault("nothing", Plan(), _DONE),
    Fault("nothing-chord", _CHORD, _DONE),
    Fault("nothing-chain", Plan(shape="chain"), _DONE),
    Fault("nothing-group", Plan(shape="group"), _DONE),
    Fault("raise", Plan(trouble="raise"), ("failed",)),
    Fault("raise-in-chord", Plan(items=30, shape="chord", trouble="raise"), ("failed",)),
    Fault("retry-three-times", Plan(trouble="retry", times=3), _DONE),
    Fault("retry-in-chord", Plan(items=30, shape="chord", trouble="retry", times=3), _DONE),
    Fault("soft-limit", Plan(trouble="hang", soft_seconds=2), ("failed",)),
    Fault("hard-limit", Plan(trouble="hang", hard_seconds=2), ("failed",)),
    Fault(
        "hard-limit-in-chord",
        Plan(items=30, shape="chord", trouble="hang", hard_seconds=2),
        ("failed",),
    ),
    Fault("memory", Plan(trouble="memory"), ("failed",)),
    Fault("kill-itself-once", Plan(trouble="kill"), _DONE),
    Fault("kill-itself-in-chord", Plan(items=30, shape="chord", trouble="kill"), _DONE),
    Fault("kill-itself-each-time", Plan(trouble="kill", times=99), ("failed",)),
    Fault(
        "kill-itself-each-time-in-chord",
        Plan(items=30, shape="chord", trouble="kill", times=99),
        ("failed",),
    ),
    Fault("kill-child", Plan(), _DONE, _when_busy(_kill_child), loses_work=True),
    Fault("kill-child-in-chord", _CHORD, _DONE, _when_busy(_kill_child), loses_work=True),
    Fault("kill-parent", Plan(), _DONE, _when_busy(_kill_parent), loses_work=True),
    Fault("kill-parent-in-chord", _CHORD, _DONE, _when_busy(_kill_parent), loses_work=True),
    Fault("kill-parent-in-group", Plan(items=30, shape="group"), _DONE, _when_busy(_kill_parent)),
    Fault("kill-all", Plan(), _DONE, _when_busy(_kill_all), loses_work=True),
    Fault("kill-all-in-chord", _CHORD, _DONE, _when_busy(_kill_all), loses_work=True),
    Fault("warm-shutdown", _CHORD, _DONE, _when_busy(_warm_shutdown)),
    Fault("cold-shutdown", _CHORD, _DONE, _when_busy(_cold_shutdown)),
    Fault("deploy", Plan(items=60), _DONE, _when_busy(_deploy)),
    Fault("cut-connections", _CHORD, _DONE, _when_busy(_cut_connections)),
    Fault("restart-server", _CHORD, _DONE, _when_busy(_restart_server)),
    Fault("empty-server", _CHORD, _DONE, _when_busy(_empty_server)),
    Fault("cancel-before", Plan(), ("cancelled",), _cancel, is_sent=False),
    Fault("cancel", Plan(items=60), ("cancelled",), _when_busy(_cancel)),
    Fault("cancel-in-chord", Plan(items=60, shape="chord"), ("cancelled",), _when_busy(_cancel)),
    Fault("cancel-deaf", Plan(trouble="hang"), ("cancelled",), _when_busy(_cancel)),
    Fault("revoke", Plan(items=60), ("cancelled",), _when_busy(_revoke)),
    Fault("revoke-before", Plan(), ("cancelled",), _revoke_before, is_sent=False),
    Fault("two-copies", Plan(items=60), _DONE, _when_busy(_send_twice)),
    Fault("two-copies-in-chord", _CHORD, _DONE, _when_busy(_send_twice)),
    Fault("lost-message", Plan(), _DONE, is_sent=False),
    Fault("clock-jumps", _CHORD, _DONE, _when_busy(_jump)),
    *(
        Fault(f"crash-{point}", Plan(items=12, seconds=0.1), _DONE, _crash_at(point), is_sent=False)
        for point in faults.POINTS
        if point not in (faults.COMMITTED, *_WINDOW_POINTS)
    ),
    *(
        Fault(f"crash-{point}", _WINDOW, _DONE, _crash_at(point), is_sent=False)
        for point in _WINDOW_POINTS
    ),
    Fault("nothing-window", _WINDOW, _DONE),
    Fault("raise-in-window", replace(_WINDOW, trouble="raise"), ("failed",)),
    Fault("retry-in-window", replace(_WINDOW, trouble="retry", times=3), _DONE),
    Fault("hard-limit-in-window", replace(_WINDOW, trouble="hang", hard_seconds=2), ("failed",)),
    Fault("kill-itself-in-window", replace(_WINDOW, trouble="kill"), _DONE),
    Fault(
        "kill-itself-each-time-in-window", replace(_WINDOW, trouble="kill", times=99), ("failed",)
    ),
    Fault("kill-window", _WINDOW, _DONE, _when_busy(_kill_children), loses_work=True),
    Fault("kill-parent-in-window", _WINDOW, _DONE, _when_busy(_kill_parent), loses_work=True),
    Fault("kill-all-in-window", _WINDOW, _DONE, _when_busy(_kill_all), loses_work=True),
    Fault("terminate-all-in-window", _WINDOW, _DONE, _when_busy(_terminate_all)),
    Fault("evict-open-parts", _WINDOW, _DONE, _when_busy(_evict_open_parts)),
    Fault("restart-server-in-window", _WINDOW, _DONE, _when_busy(_restart_server)),
    Fault("empty-server-in-window", _WINDOW, _DONE, _when_busy(_empty_server)),
    Fault("cut-connections-in-window", _WINDOW, _DONE, _when_busy(_cut_connections)),
    Fault("cancel-in-window", _WINDOW, ("cancelled",), _when_busy(_cancel)),
    Fault("two-copies-in-window", _WINDOW, _DONE, _when_busy(_send_twice)),
)
