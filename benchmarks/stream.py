"""Streams of events to many browsers: Earmark beside other servers, and beside bare C.

Each case runs against every server in turn, in rounds, each time against a fresh process.
Figures are medians of the rounds; ``lost``, ``duplicated``, ``disordered`` and ``errors`` are
the worst of them. ``cpu_us_per_delivery`` is the processor time of all the server's processes
for each event that came to a client, Redis apart (``redis_us_per_delivery``), and
``times_c`` its ratio to the bare C program's. What could not be run says why.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks._table import medians, tell
from benchmarks.streaming.machine import Missing, compile_c, raise_descriptor_limit
from benchmarks.streaming.peers import PEERS, Peer, install_node_peers
from benchmarks.streaming.scenarios import RUNS, Case, Figures, Skipped, Stage, cases

WORST = ("lost", "duplicated", "disordered", "errors", "page_errors")
Row = dict[str, object]


def run_once(peer: Peer, case: Case, programs: Path) -> Figures:
    """The figures of one case against a fresh server."""
    with peer.start(case.jobs, programs) as server:
        return RUNS[case.scenario](Stage(peer, server, programs), case)


def run_case(case: Case, peers: Sequence[Peer], programs: Path, *, rounds: int) -> list[Row]:
    """A row for each server."""
    found: dict[str, list[Figures]] = {peer.name: [] for peer in peers}
    refused: dict[str, str] = {}
    for _ in range(rounds):
        for peer in peers:
            if peer.name in refused:
                continue
            try:
                found[peer.name].append(run_once(peer, case, programs))
            except Missing as reason:
                refused[peer.name] = f"missing: {reason}"
            except Skipped as reason:
                refused[peer.name] = str(reason)
            except Exception as reason:  # one server's fault leaves the others' figures
                refused[peer.name] = f"failed: {type(reason).__name__}: {reason}"
    base = found.get("C") or [{}]
    bare = medians(base).get("cpu_us_per_delivery")
    return [_row(case, who, runs, refused.get(who), bare) for who, runs in found.items()]


def _row(case: Case, who: str, runs: list[Figures], refused: str | None, bare: float | None) -> Row:
    row: Row = {"bench": "stream", "scenario": case.scenario, "who": who, "streams": case.streams}
    if case.rate:
        row["rate"] = case.rate
    if runs:
        row |= medians(runs)
        row |= {name: max(run[name] for run in runs) for name in WORST if name in runs[0]}
        cpu = row.get("cpu_us_per_delivery")
        if bare and isinstance(cpu, float):
            row["times_c"] = cpu / bare
    if refused:
        row["note"] = refused
    return row


def _chosen(text: str | None, known: Iterable[str]) -> list[str]:
    names = list(known)
    if text is None:
        return names
    wanted = [part.strip() for part in text.split(";")]
    unknown = set(wanted) - set(names)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; known: {'; '.join(names)}")
    return wanted


def main() -> None:
    """Run what is chosen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", help="names parted by ';'; all by default")
    parser.add_argument("--who", help="servers, names parted by ';'; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--scale", type=float, default=1.0, help="of streams, jobs and events")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, once")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.scale = 1, 1.0, 0.1
    scenarios = _chosen(options.scenarios, RUNS)
    who = _chosen(options.who, (peer.name for peer in PEERS))
    peers = [peer for peer in PEERS if peer.name in who]
    raise_descriptor_limit()
    if any(peer.from_npm for peer in peers):
        install_node_peers()
    chosen = [
        case
        for case in cases(seconds=options.seconds, scale=options.scale)
        if case.scenario in scenarios
    ]
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        programs = Path(folder)
        for name in ("load", "limit"):
            compile_c(name, programs)
        for case in chosen:
            print(f"{case.scenario}, {case.streams} streams", file=sys.stderr)
            those = [
                peer for peer in peers if peer.scenarios is None or case.scenario in peer.scenarios
            ]
            tell(_title(case), run_case(case, those, programs, rounds=options.rounds))


def _title(case: Case) -> str:
    rate = f", {case.rate:g} events/s" if case.rate else ""
    return f"Streaming: {case.scenario}, {case.streams} streams{rate}"


if __name__ == "__main__":
    try:
        main()
    except Missing as reason:
        print(json.dumps({"bench": "stream", "note": str(reason)}))
        sys.exit(1)
