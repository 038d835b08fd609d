"""A failure explains itself within a screen: what is longer is kept in a file, and its beginning and end are shown."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import programs
from tests.support.programs import Told

FOLDER = Path(__file__).parents[1] / "build" / "failures"
LINES, CHARACTERS = 60, 8_000
"""What is no more than this is shown as it is."""
HEAD, TAIL, WIDTH = 4, 8, 240
"""Lines of a longer text, and characters of a longer line, that are shown."""
FRAMES = 4
PROGRAMS = 4
"""That are shown in short."""
FILE = pytest.StashKey[Path]()


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


def _whole(sections: Iterable[tuple[str, str]]) -> str:
    return "".join(f"\n== {name}\n{text}" for name, text in sections)


def _fits_a_screen(text: str) -> bool:
    return text.count("\n") <= LINES and len(text) <= CHARACTERS


def file_of(report: pytest.TestReport, folder: Path = FOLDER) -> Path:
    """Where the whole is kept of what a test prints that failed in this part of it."""
    return folder / f"{re.sub(r'[^A-Za-z0-9]+', '-', report.nodeid)[-150:].strip('-')}-{report.when}.txt"


def _keep(file: Path, text: str, mode: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open(mode, encoding="utf-8", errors="backslashreplace") as kept:
        kept.write(text)


def _in_short(started: Sequence[Told]) -> list[str]:
    """The programs that still run or failed, those that were started last."""
    open_ = [each for each in started if not each.is_well]
    left = len(open_) - PROGRAMS
    return [
        *([f"… {left} more programs …"] if left > 0 else []),
        *(line for each in open_[-PROGRAMS:] for line in each.in_short()),
    ]


def shorten(report: pytest.TestReport, folder: Path = FOLDER, started: Sequence[Told] = ()) -> None:
    """Cut what a failed test prints, and keep the whole of it in a file of that folder.

    `started` are the programs that it started; those that are not well are shown in short.
    """
    shown = [("programs", "\n".join(each.whole() for each in started))] if started else []
    whole = f"{report.longreprtext}\n{_whole([*report.sections, *shown])}"
    file = file_of(report, folder)
    if _fits_a_screen(whole):
        report.sections += shown
        file.unlink(missing_ok=True)  # that of an earlier run
        return
    _keep(file, whole, "w")
    crash = getattr(report.longrepr, "reprcrash", None)
    first, *others = brief(crash.message if crash else report.longreprtext) or ["it failed"]
    told = "\n".join([*others, *_where(report.longrepr), *_in_short(started), f"the whole: {file}"])
    report.longrepr = first  # all of it is repeated by pytest's own summary
    report.sections = [("in short", told), *((name, "\n".join(brief(text, 0))) for name, text in report.sections)]


def shorten_teardown(report: pytest.TestReport, file: Path) -> None:
    """The same for what the end of a failed test prints, which goes where the whole of its failure is."""
    sections = [(name, text) for name, text in report.sections if "teardown" in name]
    if sections and (file.exists() or not _fits_a_screen(_whole(sections))):
        _keep(file, _whole(sections), "a")
        report.sections = [(name, "\n".join(brief(text, 0))) for name, text in sections]


class Failures:
    """Shows failures in short, unless more is asked for (``-vv``), with the programs that the test started."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        programs.next_test()

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # around those that add to a report
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        in_short = item.config.option.verbose < 2
        if report.failed:
            started = programs.told()
            if in_short:
                shorten(report, self._folder, started)
                item.stash.setdefault(FILE, file_of(report, self._folder))
            elif started:
                report.sections.append(("programs", "\n".join(each.whole() for each in started)))
        elif report.when == "teardown" and in_short and (file := item.stash.get(FILE, None)):
            shorten_teardown(report, file)
        return report
