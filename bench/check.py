"""``python -m bench.check``: whether an event costs more of our own code than when the baseline was written.

A shared machine is noisy, so nothing is compared with a clock: callgrind counts the instructions of each stage, which
other work does not change, and they are given as a ratio to those of the floor's code, so that another build of the
same Python changes them little. What a process executes before and between its stages cancels out: a stage's cost is
what a second process executes that repeats nothing but this stage a few times more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from bench.stages import stages

BASELINE = Path(__file__).with_name("baseline.json")
YARDSTICK = "floor"
ALLOWED = 1.15
EVENTS = 500
REPETITIONS = 4
NOBODY = ""
"""Instead of a stage's name: none is repeated."""


class CannotCountError(Exception):
    """The message is one sentence."""


def execute(repeated: str) -> list[str]:
    """Every stage once, and one of them a few times more: what is counted. Returns the stages' names."""
    loop = asyncio.new_event_loop()
    found = stages(loop, EVENTS)
    for name, stage in found.items():
        for _ in range(1 + REPETITIONS * (name == repeated)):
            stage()
    loop.close()
    return list(found)


def instructions(repeated: str) -> int:
    """Of a process that does `execute`. Raises `CannotCountError`."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CannotCountError(
            "instructions are counted by valgrind, which is not installed here (apt-get install valgrind)"
        )
    counting = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command = [*counting, sys.executable, "-m", "bench.check", "--execute", repeated]
    # The order of sets and dictionaries is part of what is executed.
    ran = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected : (\d+)", ran.stderr)
    if ran.returncode or found is None:
        raise CannotCountError(f"`{' '.join(command)}` ended with {ran.returncode}: {ran.stderr[-2000:]}")
    return int(found[1])


def ratios() -> dict[str, float]:
    """Each stage as a multiple of the floor. Raises `CannotCountError`."""
    names = execute(NOBODY)  # here as well, so that no process that is counted is the first to compile a module
    with ThreadPoolExecutor(os.cpu_count()) as processes:
        plain, *more = processes.map(instructions, [NOBODY, *names])
    cost = {name: count - plain for name, count in zip(names, more, strict=True)}
    for name, count in cost.items():
        print(f"{name:18} {count / EVENTS / REPETITIONS:10,.0f} instructions an event")
    return {name: count / cost[YARDSTICK] for name, count in cost.items() if name != YARDSTICK}


def dearer(measured: Mapping[str, float], baseline: Mapping[str, float]) -> list[str]:
    """The stages that cost over 15 % more than they did; one that is gone or new has nothing to be held against."""
    return [name for name, before in baseline.items() if measured.get(name, 0.0) > ALLOWED * before]


def main() -> int:
    """The exit code: 0 when nothing got dearer by more than 15 %, 1 when something did, 2 when nothing was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.check", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make today's ratios the baseline")
    parser.add_argument("--execute", metavar="STAGE", help="what is counted, and nothing else")
    options = parser.parse_args()
    if options.execute is not None:
        execute(options.execute)
        return 0
    try:
        measured = ratios()
    except CannotCountError as error:
        print(f"bench-check: {error}")
        return 2
    version = ".".join(platform.python_version_tuple()[:2])
    known: dict[str, dict[str, float]] = orjson.loads(BASELINE.read_bytes()) if BASELINE.exists() else {}
    if options.write:
        known[version] = {name: round(value, 3) for name, value in measured.items()}
        BASELINE.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
        return 0
    baseline = known.get(version, {})
    if not baseline:
        print(f"bench-check: there is no baseline for Python {version}; make one with `make bench-check ARGS=--write`")
        return 0
    wrong = dearer(measured, baseline)
    for name, before in baseline.items():
        verdict = "DEARER" if name in wrong else ""
        print(f"{name:18} {measured.get(name, 0.0):6.3f} x floor, baseline {before:6.3f}  {verdict}".rstrip())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
