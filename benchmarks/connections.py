"""Connections: pages beside clients that take their time, and how fast streams are let in.

``slow``: pages while connections send nothing, half a head or a body in drops, beside open streams;
``ended`` is how many of them the server ended. ``connect``: streams opened a second, by Earmark and
by gunicorn with an application that only takes the descriptor, with the ``share`` of that.
``return``: how long it takes until all clients have what they missed after all were cut, where they
come back in one instant. Each case runs in rounds, each time against a fresh process; figures are
medians, errors the worst.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks._table import tell
from benchmarks.streaming.machine import compile_c, raise_descriptor_limit
from benchmarks.streaming.peers import Peer, earmark, taker
from benchmarks.streaming.scenarios import (
    Case,
    Figures,
    Skipped,
    Stage,
    ask_for_pages,
    connect,
    storm,
)
from benchmarks.streaming.slow_clients import slow_clients

#: A page that takes longer is an error.
GIVE_UP_SECONDS = 5.0
STOCK, GEVENT = "--worker-class=gthread", "--worker-class=gevent"
LIMIT = Peer("gunicorn's gthread, only takes", taker(STOCK))
SITES = (
    Peer("earmark", earmark()),
    Peer("earmark on gunicorn's gthread", earmark(STOCK)),
    Peer("earmark on gunicorn's gevent", earmark(GEVENT)),
)
PEERS = {
    "slow": SITES,
    "connect": (LIMIT, *SITES, Peer("earmark's worker, only takes", taker())),
    "return": SITES,
}

Row = dict[str, object]
Run = Callable[[Stage, Case], Figures]


def slow(connections: int) -> Run:
    """Pages that a person asks for, while a number of slow clients is connected."""

    def run(stage: Stage, case: Case) -> Figures:
        with stage.generator(case) as generator:
            opened = stage.opened(generator, case)
            with slow_clients(stage.server.port, connections) as clients:
                pages = ask_for_pages(
                    stage.server, rate=case.pages, seconds=case.seconds, give_up=GIVE_UP_SECONDS
                )
        return {**pages, "ended": clients.ended, "errors": opened["errors"]}

    return run


def measure(run: Run, case: Case, peers: Sequence[Peer], programs: Path, rounds: int) -> list[Row]:
    """A row for each server."""
    found: dict[str, list[Figures]] = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            with peer.start(case.jobs, programs) as server:
                try:
                    found[peer.name].append(run(Stage(peer, server, programs), case))
                except Skipped as reason:  # the machine has too much else to do, or the server
                    print(f"{peer.name}: {reason}", file=sys.stderr)
    rows = []
    for who, runs in found.items():
        if not runs:
            continue
        # Where no page came there is no time of one.
        names = dict.fromkeys(name for run in runs for name in run)
        figures = {n: statistics.median(r[n] for r in runs if n in r) for n in names}
        figures |= {n: max(r[n] for r in runs) for n in ("errors", "page_errors") if n in figures}
        if "connects_per_s" in figures and found.get(LIMIT.name):
            limit = statistics.median(r["connects_per_s"] for r in found[LIMIT.name])
            figures["share"] = figures["connects_per_s"] / limit
        rows.append({"bench": "connections", "case": case.scenario, "who": who, **figures})
    return rows


def main() -> None:
    """Run what is chosen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default="slow;connect;return", help="names parted by ';'")
    parser.add_argument("--who", help="servers, names parted by ';'; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=500, help="that take their time")
    parser.add_argument("--streams", type=int, default=5_000, help="that are opened")
    parser.add_argument("--clients", type=int, default=1_000, help="that come back")
    parser.add_argument("--seconds", type=float, default=20.0, help="of pages")
    options = parser.parse_args()
    raise_descriptor_limit()
    cases: dict[str, tuple[Run, Case]] = {
        "slow": (
            slow(options.connections),
            Case(scenario="slow", streams=50, pages=20, seconds=options.seconds),
        ),
        "connect": (connect, Case(scenario="connect", streams=options.streams)),
        "return": (storm, Case(scenario="return", streams=options.clients, missed=20)),
    }
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        programs = Path(folder)
        compile_c("load", programs)
        for name in options.cases.split(";"):
            run, case = cases[name]
            peers = [p for p in PEERS[name] if not options.who or p.name in options.who.split(";")]
            rows = measure(run, case, peers, programs, options.rounds)
            tell(f"Connections: {name}, {case.streams} streams", rows)


if __name__ == "__main__":
    main()
