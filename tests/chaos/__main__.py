"""Two hundred faults, drawn at random: `make chaos`, or `python -m tests.chaos --help`.

Ends with one JSON line on stdout. The seed is printed first; the same seed draws the same
faults in the same order.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from progress.lease import LeaseTerms
from tests.chaos.strikes import FAULTS, Fault
from tests.chaos.verdict import Verdict, judge
from tests.chaos.world import SHORT_TERMS, Run, World, world

TERMS = {"default": LeaseTerms(), "short": SHORT_TERMS}
#: What a job may take beyond lease and reap, on a slow machine.
WORK_SECONDS = 45.0
#: A child looks for its worker every second.
NOTICE_SECONDS = 4.0


@dataclass
class Tally:
    """What a run has come to."""

    faults: int = 0
    unfinished: int = 0
    wrong_counts: int = 0
    lost_results: int = 0
    wrong_streams: int = 0
    orphans: int = 0
    shown_s_max: float = 0.0
    resumed_s_max: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def add(self, fault: Fault, verdict: Verdict) -> None:
        self.faults += 1
        self.unfinished += bool(verdict.unfinished)
        self.wrong_counts += bool(verdict.wrong_counts)
        self.lost_results += len(verdict.lost_results)
        self.wrong_streams += bool(verdict.wrong_stream)
        self.complaints += [f"{fault.name}: {text}" for text in verdict.faults]

    def as_line(self) -> str:
        names = ("faults", "unfinished", "wrong_counts", "lost_results", "wrong_streams", "orphans")
        counts = {name: getattr(self, name) for name in names}
        seconds = {
            "shown_s_max": round(self.shown_s_max, 1),
            "resumed_s_max": round(self.resumed_s_max, 1),
        }
        return json.dumps(counts | seconds)


def main() -> int:
    """Draw, strike, judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="to repeat a run")
    parser.add_argument("--only", help="faults whose name begins so")
    parser.add_argument("--keep", type=Path, help="a folder for the workers' output")
    parser.add_argument("--terms", choices=TERMS, default="default", help="how long leases last")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        tally = _run(arguments.keep or Path(folder), arguments)
    for complaint in tally.complaints:
        print(complaint, file=sys.stderr)
    print(tally.as_line())
    return 1 if tally.complaints else 0


def _run(folder: Path, arguments: argparse.Namespace) -> Tally:
    chance, tally = random.Random(arguments.seed), Tally()
    faults = [fault for fault in FAULTS if fault.name.startswith(arguments.only or "")]
    with world(folder, terms=TERMS[arguments.terms]) as found:
        for number in range(1, arguments.faults + 1):
            fault = chance.choice(faults)
            began = time.monotonic()
            _strike(found, fault, chance, tally)
            seconds = time.monotonic() - began
            print(f"{number:4} {seconds:6.1f} s  {fault.name}", file=sys.stderr, flush=True)
    return tally


def _strike(found: World, fault: Fault, chance: random.Random, tally: Tally) -> None:
    found.crew.start()
    run = found.start_job(fault.plan, is_sent=fault.is_sent)
    if fault.strike is not None:
        fault.strike(found, run, chance)
    found.crew.start()
    terms = found.terms
    bound = 4 * (terms.lease_seconds + terms.reap_seconds) + WORK_SECONDS
    if not found.wait_for_end(run, seconds=bound):
        tally.add(fault, Verdict(unfinished=(f"still {run.watch.statuses}",)))
        return
    verdict = judge(found, run)
    status = found.row(run).status
    if status not in fault.ends:
        verdict = Verdict(unfinished=(*verdict.unfinished, f"ended as {status}"))
    tally.add(fault, verdict)
    tally.orphans += _orphans_left(found)
    if fault.loses_work:
        _note_times(run, tally)


def _orphans_left(found: World) -> int:
    """Processes of lost workers that are still there when they have had time to notice."""
    deadline = time.monotonic() + NOTICE_SECONDS
    while found.crew.orphans() and time.monotonic() < deadline:
        time.sleep(0.1)
    return len(found.crew.orphans())


def _note_times(run: Run, tally: Tally) -> None:
    """When the loss was shown, and when what was lost was taken up again."""
    before = [frame.event for frame in run.watch.frames if frame.at < run.struck]
    after = [frame for frame in run.watch.frames if frame.at >= run.struck]
    lost = {event["itemId"]: event["status"] for event in before if event["type"] == "item"}
    lost_items = {item for item, status in lost.items() if status == "in_progress"}
    taken_up = [
        frame.at
        for frame in after
        if frame.event["type"] == "item"
        and frame.event["status"] == "in_progress"
        and frame.event["itemId"] in lost_items
    ]
    if not taken_up:
        return
    told = [frame.at for frame in after if frame.event["type"] == "status"]
    tally.shown_s_max = max(tally.shown_s_max, min(told + taken_up) - run.struck)
    tally.resumed_s_max = max(tally.resumed_s_max, min(taken_up) - run.struck)


if __name__ == "__main__":
    sys.exit(main())
