"""What of `bridge/` the tests of `make coverage` run, as a table; a function they never enter needs a reason.

python -m scripts.covered REPORT [--write] [--lines]   REPORT is of `coverage json`; --write brings tests/uncovered.toml
                                                       up to date, --lines names each line and branch that did not run

A block is a function, or what of a module is in no function, which has the name "". Of one that is entered some lines
or branches may not run: how many these may be in all is `fail_under` in pyproject.toml.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LIST: Final = Path("tests/uncovered.toml")
UNKNOWN: Final = "unknown"
"""The group that --write puts new blocks into. It has no reason, so the list is refused until they are sorted."""

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """Blocks that have one reason not to be run."""

    reason: str
    blocks: frozenset[str]
    """By name: bridge/file.py:Class.function."""


def never_entered(report: Report) -> set[str]:
    """By name every block of which no line ran."""
    return {
        f"{file}:{function}"
        for file, measured in report["files"].items()
        for function, part in measured["functions"].items()
        if part["missing_lines"] and not part["executed_lines"]
    }


def left_out(report: Report) -> list[str]:
    """Of each file the lines that did not run, and the branches that were never taken from a line that did."""
    found = []
    for file, measured in report["files"].items():
        lines = measured["missing_lines"]
        jumps = [
            f"{start}->{'exit' if end < 0 else end}"
            for start, end in measured["missing_branches"]
            if start not in lines
        ]
        if lines or jumps:
            found.append(f"{file}: {', '.join([*_ranges(lines), *jumps])}")
    return found


def groups(text: str) -> dict[str, Group]:
    """The list as it is written."""
    return {name: Group(each["reason"], frozenset(each["blocks"])) for name, each in tomllib.loads(text).items()}


def complaints(found: AbstractSet[str], listed: Mapping[str, Group]) -> list[str]:
    """What nobody gave a reason for."""
    said = [f"{name}: give a reason in {LIST}" for name, group in listed.items() if not group.reason.strip()]
    known = {block for group in listed.values() for block in group.blocks}
    return [*said, *(f"{name}: never entered, and not in {LIST}" for name in sorted(found - known))]


def notes(found: AbstractSet[str], listed: Mapping[str, Group]) -> list[str]:
    """What can be taken out of the list. No error: some run only where the machine is slow, or quick."""
    return [f"{name}: entered by now" for group in listed.values() for name in sorted(group.blocks - found)]


def table(report: Report) -> str:
    """A line for each package: per cent of lines, of branches, and how many of both did not run."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for file, measured in report["files"].items():
        room = "/".join(Path(file).parts[:2])
        for package in (room, "all"):
            for key, value in measured["summary"].items():
                if isinstance(value, int):
                    sums[package][key] += value
    rows = [f"{'':<26}{'lines':>9}{'branches':>10}{'not run':>9}"]
    for package in (*sorted(each for each in sums if each != "all"), "all"):
        each = sums[package]
        lines = _share(each["covered_lines"], each["num_statements"])
        branches = _share(each["covered_branches"], each["num_branches"])
        rows.append(f"{package:<26}{lines:>9}{branches:>10}{each['missing_lines'] + each['missing_branches']:>9}")
    return "\n".join(rows)


def written(found: AbstractSet[str], listed: Mapping[str, Group]) -> str:
    """The list with what was found; what is new has yet to be given its reason."""
    kept = {name: Group(group.reason, group.blocks & found) for name, group in listed.items()}
    known = {block for group in kept.values() for block in group.blocks}
    new = {UNKNOWN: Group("", frozenset(found - known))}
    return "\n".join(_section(name, group) for name, group in {**new, **kept}.items() if group.blocks)


def _section(name: str, group: Group) -> str:
    blocks = "".join(f'  "{block}",\n' for block in sorted(group.blocks))
    return f"[{name}]\nreason = {json.dumps(group.reason, ensure_ascii=False)}\nblocks = [\n{blocks}]\n"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _ranges(lines: Iterable[int]) -> list[str]:
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return [str(first) if first == last else f"{first}-{last}" for first, last in spans]


def main(report_file: str, *options: str) -> int:
    """The exit code: 1 where the list is not what was found."""
    report = json.loads(Path(report_file).read_text(encoding="utf-8"))
    found, listed = never_entered(report), groups(LIST.read_text(encoding="utf-8"))
    if "--lines" in options:
        sys.stdout.writelines(f"{each}\n" for each in left_out(report))
    sys.stdout.write(table(report) + "\n")
    if "--write" in options:
        LIST.write_text(written(found, listed), encoding="utf-8")
        return 0
    sys.stdout.writelines(f"{each}\n" for each in notes(found, listed))
    said = complaints(found, listed)
    sys.stderr.writelines(f"{each}\n" for each in said)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
