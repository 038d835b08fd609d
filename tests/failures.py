"""A failure explains itself within a screen: what is longer is kept in a file, and its beginning and end are shown."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "build" / "failures"
LINES, CHARACTERS = 60, 8_000
"""What is no more than this is shown as it is."""
HEAD, TAIL, WIDTH = 4, 8, 240
"""Lines of a longer text, and characters of a longer line, that are shown."""
FRAMES = 4


def brief(text: str, head: int = HEAD, tail: int = TAIL) -> list[str]:
    """The first and the last lines of a text, with what is left out counted."""
    lines = text.rstrip().splitlines()
    left = len(lines) - head - tail
    if left > 1:
        lines[head : head + left] = [f"… {left:,} lines …"]
    return [line if len(line) <= WIDTH else f"{line[:WIDTH]}… {len(line) - WIDTH:,} more characters" for line in lines]


def _where(longrepr: Any) -> list[str]:
    """The innermost frames: ``tests/x.py:7: AssertionError``."""
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", ())
    places = [place for entry in entries if (place := getattr(entry, "reprfileloc", None))][-FRAMES:]
    return [" ".join([f"{place.path}:{place.lineno}:", *brief(place.message or "", 1, 0)]) for place in places]


def shorten(report: pytest.TestReport, folder: Path = FOLDER) -> None:
    """Cut what a failed test prints, and keep the whole of it in a file of that folder."""
    whole = "\n".join([report.longreprtext, *(f"\n== {name}\n{text}" for name, text in report.sections)])
    if whole.count("\n") <= LINES and len(whole) <= CHARACTERS:
        return
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{re.sub(r'[^A-Za-z0-9]+', '-', report.nodeid)[-150:].strip('-')}-{report.when}.txt"
    file.write_text(whole, encoding="utf-8", errors="backslashreplace")
    crash = getattr(report.longrepr, "reprcrash", None)
    first, *others = brief(crash.message if crash else report.longreprtext) or ["it failed"]
    told = "\n".join([*others, *_where(report.longrepr), f"the whole: {file}"])
    report.longrepr = first  # all of it is repeated by pytest's own summary
    report.sections = [("in short", told), *((name, "\n".join(brief(text, 0))) for name, text in report.sections)]


class Failures:
    """Shows failures in short, unless more is asked for (``-vv``)."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # around those that add to a report
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and item.config.option.verbose < 2:
            shorten(report)
        return report
