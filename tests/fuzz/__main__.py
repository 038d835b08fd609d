"""Looks for inputs that break a promise, guided by coverage and bounded by time: ``make fuzz FUZZ_SECONDS=600``.

What is learned about the way in is kept in ``.cache/fuzz`` and is where the next run begins. A case that is found is
written into the corpus under ``tests/unit/fuzz``: fix the cause, commit both; every ordinary run replays it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = Path("tests/unit/fuzz/corpus")
LEARNED: Final = Path(".cache/fuzz")
TARGETS: Final = ("records", "avro", "answers", "commits", "letters", "foreign", "configuration", "probes", "protobuf")
"""As in `targets`, which is not imported here: that would start the program under test uninstrumented."""
LONGEST_INPUT: Final = 4096
SLOWEST: Final = 10
"""Seconds one input may take; beyond that it is a found case like any other."""
MEMORY: Final = 1024
"""Megabytes, likewise."""


def main() -> int:
    """1 where a case was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="for all targets together")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all, if none is named")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    targets = given.targets or TARGETS
    found = [target for target in targets if not _holds(target, max(1, given.seconds // len(targets)))]
    for target in found:
        _say(f"fuzz: {target}: a promise is broken; the input is in {CORPUS / target}")
    _say(f"fuzz: {len(targets)} targets, {len(found)} with findings")
    return 1 if found else 0


def _holds(target: str, seconds: int) -> bool:
    _say(f"fuzz: {target}, {seconds} s")
    learned, corpus = LEARNED / target, CORPUS / target
    (ROOT / learned).mkdir(parents=True, exist_ok=True)
    (ROOT / corpus).mkdir(parents=True, exist_ok=True)
    options = {
        "max_total_time": seconds,
        "max_len": LONGEST_INPUT,
        "timeout": SLOWEST,
        "rss_limit_mb": MEMORY,
        "artifact_prefix": f"{corpus}/",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    words = Path(f"tests/fuzz/words/{target}.txt")
    if (ROOT / words).exists():
        options["dict"] = str(words)
    command = [sys.executable, "-m", "tests.fuzz.guided", target]
    command += [f"-{name}={value}" for name, value in options.items()]
    # libFuzzer adds to the first folder and only reads the second.
    ran = subprocess.run([*command, str(learned), str(corpus)], cwd=ROOT, check=False, capture_output=True, text=True)
    said = ran.stdout + ran.stderr
    if ran.returncode:
        _say("\n".join(line for line in said.splitlines() if "INFO: Instrumenting" not in line))
        return False
    _say("\n".join(f"  {line.removeprefix('stat::')}" for line in said.splitlines() if "executed_units" in line))
    return True


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
