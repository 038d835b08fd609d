"""``python -m bench.check``: whether an event costs more of our own code than when the baseline was written.

A shared machine is noisy, so nothing is compared with a clock: each stage is measured as a ratio to the floor's code in
the same process, in many short turns of which the quickest counts. What disturbs a turn can only add to it.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import orjson

from bench.stages import Stage, least, stages

BASELINE = Path(__file__).with_name("baseline.json")
YARDSTICK = "floor"
ALLOWED = 1.15
BLUR = 0.05
"""Of the floor: what the small stages vary by on a machine with other work, 0.1 µs."""
SETTLED = 40
"""Turns in a row without a better time of anything, after which more would show nothing new."""


def ratios(seconds: float) -> dict[str, float]:
    """Each stage as a multiple of the floor; takes as long as it takes to settle, at most so many seconds."""
    loop = asyncio.new_event_loop()
    try:
        best = _best(stages(loop), seconds)
    finally:
        loop.close()
    return {name: micros / best[YARDSTICK] for name, micros in best.items() if name != YARDSTICK}


def _best(found: Mapping[str, Stage], seconds: float) -> dict[str, float]:
    best = {name: least(stage, 1) for name, stage in found.items()}
    deadline, quiet = time.monotonic() + seconds, 0
    while time.monotonic() < deadline and quiet < SETTLED:
        quiet += 1
        for name, stage in found.items():
            taken = least(stage, 1)
            if taken < best[name]:
                quiet = 0 if taken < 0.99 * best[name] else quiet
                best[name] = taken
    return best


def main() -> int:
    """The exit code: 0 when nothing got dearer by more than 15 %."""
    parser = argparse.ArgumentParser(prog="python -m bench.check", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make today's ratios the baseline")
    parser.add_argument("--seconds", type=float, default=25.0, help="for each of at most two measurements")
    options = parser.parse_args()
    version = ".".join(platform.python_version_tuple()[:2])
    known = orjson.loads(BASELINE.read_bytes()) if BASELINE.exists() else {}
    measured = ratios(options.seconds)
    if options.write:
        known[version] = {name: round(value, 3) for name, value in measured.items()}
        BASELINE.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
        return 0
    baseline: dict[str, float] = known.get(version, {})
    if not baseline:
        print(f"bench-check: there is no baseline for Python {version}; make one with `make bench-check ARGS=--write`")
        return 0
    if any(measured[name] > ALLOWED * before + BLUR for name, before in baseline.items()):
        again = ratios(options.seconds)  # a real regression is there the second time as well
        measured = {name: min(value, again[name]) for name, value in measured.items()}
    dearer = [name for name, before in baseline.items() if measured[name] > ALLOWED * before + BLUR]
    for name, before in baseline.items():
        verdict = "DEARER" if name in dearer else ""
        print(f"{name:18} {measured[name]:6.2f} x floor, baseline {before:6.2f}  {verdict}")
    return 1 if dearer else 0


if __name__ == "__main__":
    sys.exit(main())
