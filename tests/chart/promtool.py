"""Prometheus' own judge of rules: $PROMTOOL, or the one on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

NO_PROMTOOL = (
    "ALERTS AND DASHBOARD QUERIES ARE NOT TESTED: PROMTOOL is not set, and there is no promtool on PATH "
    "(Debian, Ubuntu: apt-get install --no-install-recommends prometheus)"
)

TIMEOUT = 280.0
"""Seconds; the slowest file takes ten of a processor that does nothing else, and a busy machine is no finding."""


@cache
def problem() -> str | None:
    """Why there is none on this machine, in one sentence; None if there is one."""
    given = os.environ.get("PROMTOOL")
    if given and shutil.which(given) is None:
        return f"PROMTOOL names {given}, which is no program"
    return None if shutil.which(_name()) else NO_PROMTOOL


def run(*arguments: str | Path, given: str | None = None) -> None:
    """Fails with everything promtool said, unless it is content. `given` is its standard input."""
    answer = _answer(arguments, given)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def said(*arguments: str | Path) -> str:
    """What it wrote, content or not: a test that expects nothing is told everything."""
    answer = _answer(arguments)
    return answer.stdout + answer.stderr


def _answer(arguments: tuple[str | Path, ...], given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_name(), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        env={**os.environ, "GOGC": "800"},  # a third of its time would go into collecting what little it holds
    )


def _name() -> str:
    return os.environ.get("PROMTOOL") or "promtool"
