"""``python -m bench.check``: whether an event costs more of our own code than when the baseline was written.

A shared machine is noisy, so nothing is compared with a clock: callgrind counts the instructions of each stage, which
other work does not change, and they are given as a ratio to those of the floor's code, so that another build of the
same Python changes them little.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from bench.stages import stages
from bridge import memory

BASELINE = Path(__file__).with_name("baseline.json")
YARDSTICK = "floor"
ALLOWED = 1.15
EVENTS = 500
REPETITIONS = 4
CONTROL = "callgrind_control"
"""Comes with valgrind; tells a process that runs under it what to do."""


class CannotCountError(Exception):
    """The message is one sentence."""


def execute() -> None:
    """What is counted: every stage in turn, after each has run once. Must run under callgrind."""
    loop = asyncio.new_event_loop()
    found = stages(loop, EVENTS)
    for stage in found.values():
        stage()
    # As in a bridge: what stays is not looked at again, or whichever stage the collector meets pays for all of it.
    gc.collect()
    memory.settle()
    control("--instr=on")  # until here it runs at a tenth of the usual speed, from here at a fiftieth
    control("--zero")
    for name, stage in found.items():
        for _ in range(REPETITIONS):
            stage()
        control(f"--dump={name}")
    loop.close()


def control(order: str) -> None:
    """Tell callgrind, under which this process runs."""
    subprocess.run([CONTROL, order, str(os.getpid())], check=True, stdout=subprocess.DEVNULL)


def instructions() -> dict[str, float]:
    """Per event, of each stage. Raises `CannotCountError`."""
    valgrind = shutil.which("valgrind")
    if valgrind is None or shutil.which(CONTROL) is None:
        raise CannotCountError("valgrind counts the instructions and is not installed here (apt-get install valgrind)")
    with TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        counting = [valgrind, "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counts}"]
        ran = subprocess.run(
            [*counting, sys.executable, "-m", "bench.check", "--execute"],
            env={**os.environ, "PYTHONHASHSEED": "0"},  # the order of a set is part of what is executed
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise CannotCountError(f"valgrind ended with {ran.returncode}: {ran.stderr[-2000:]}")
        return dict(
            read_dump(path.read_text(), EVENTS * REPETITIONS) for path in sorted(counts.parent.glob("counts.*"))
        )


def read_dump(dump: str, events: int) -> tuple[str, float]:
    """The stage and its instructions per event, of one dump of callgrind's."""
    name = re.search(r"^desc: Trigger: dump (.+)$", dump, re.MULTILINE)
    total = re.search(r"^summary: (\d+)$", dump, re.MULTILINE)
    if name is None or total is None:
        raise CannotCountError(f"callgrind wrote something else than a dump: {dump[:500]}")
    return name[1], int(total[1]) / events


def ratios() -> dict[str, float]:
    """Each stage as a multiple of the floor. Raises `CannotCountError`."""
    counted = instructions()
    for name, count in counted.items():
        print(f"{name:18} {count:10,.0f} instructions an event")
    return {name: count / counted[YARDSTICK] for name, count in counted.items() if name != YARDSTICK}


def dearer(measured: Mapping[str, float], baseline: Mapping[str, float]) -> list[str]:
    """The stages that cost over 15 % more than they did, and those that are gone: nothing holds their cost any more."""
    return [name for name, before in baseline.items() if measured.get(name, inf) > ALLOWED * before]


def main() -> int:
    """The exit code: 0 when nothing got dearer by more than 15 %, 1 when something did, 2 when nothing was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.check", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make today's ratios the baseline")
    parser.add_argument("--execute", action="store_true", help="what is counted, and nothing else")
    options = parser.parse_args()
    if options.execute:
        execute()
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
        print(f"{name:18} {measured.get(name, inf):6.3f} x floor, baseline {before:6.3f}  {verdict}".rstrip())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
