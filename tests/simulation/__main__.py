"""``python -m tests.simulation SEED``: one history as a timeline. ``--soak N``: N of them, on all cores."""

# ruff: noqa: T201 - it is a program, and prints is what it does

from __future__ import annotations

import argparse
import sys

from tests.simulation.history import Told, run
from tests.simulation.plan import plan
from tests.simulation.report import report, timeline
from tests.simulation.soak import soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, default=0, help="of the history, or of the first one with --soak")
    parser.add_argument("--soak", type=int, metavar="N", help="run N histories on all cores")
    parser.add_argument("--whole", action="store_true", help="the history as it is, not shrunk")
    given = parser.parse_args()
    return soak(given.seed, given.soak) if given.soak else _replay(given.seed, whole=given.whole)


def _replay(seed: int, *, whole: bool) -> int:
    chosen = plan(seed)
    told = run(chosen)
    if told.violation is not None and not whole:
        print(report(chosen, told.violation))
        return 1
    print("\n".join(timeline(chosen)))
    print(f"seed {seed}: {told.violation or 'every promise was kept'}; {_totals(told)}")
    return 1 if told.violation else 0


def _totals(told: Told) -> str:
    ledger = told.world.ledger
    return (
        f"{len(told.plan.faults)} faults, {len(ledger.events)} events, {ledger.accepted} acceptances, "
        f"{ledger.duplicates} duplicates, {told.world.agenda.now - 1000.0:.0f} s of virtual time"
    )


if __name__ == "__main__":
    sys.exit(main())
