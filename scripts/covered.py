"""What of `bridge/` the tests of `make coverage` run, as a table; a function they never enter needs a reason.

python -m scripts.covered REPORT [--all REPORT] [--write] [--lines]
                      REPORT is of `coverage json`. --all: another one, of every test there is, with the files of tests
                      as contexts (`make coverage-all`). --write brings tests/uncovered.toml up to date, --lines names
                      each line and branch that did not run.

A block is a function, or what of a module is in no function, which has the name "". Of one that is entered some lines
or branches may not run: how many these may be in all is `fail_under` in pyproject.toml.

A group of the list is named after the file of slow tests that was measured entering its blocks, or has a reason why no
test enters them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LIST: Final = Path("tests/uncovered.toml")
TESTS: Final = "tests/"
UNKNOWN: Final = "unknown"
"""The group that --write puts new blocks into. It has no reason, so the list is refused until they are sorted."""

HEAD: Final = """\
# Functions that no test of `make coverage` enters: those with a reason no test enters at all, the others the slow tests
# of the file that heads them. `make coverage-all ARGS=--write` brings it up to date.

"""

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """Blocks that have one reason not to be run."""

    reason: str
    """Empty where the group's name is a file of tests, which enter these."""
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


def entered_by(report: Report) -> dict[str, set[str]]:
    """Of each block the files of tests that entered it. Processes forked of another add theirs to its own context."""
    return {
        f"{file}:{function}": {
            context.rpartition("|")[2]
            for line in part["executed_lines"]
            for context in part["contexts"].get(str(line), ())
            if context
        }
        for file, measured in report["files"].items()
        for function, part in measured["functions"].items()
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
    return {
        name: Group(each.get("reason", ""), frozenset(each["blocks"])) for name, each in tomllib.loads(text).items()
    }


def complaints(found: AbstractSet[str], listed: Mapping[str, Group]) -> list[str]:
    """What nobody gave a reason for."""
    said = [
        f"{name}: give a reason in {LIST}"
        for name, group in listed.items()
        if not group.reason.strip() and not name.startswith(TESTS)
    ]
    known = {block for group in listed.values() for block in group.blocks}
    return [*said, *(f"{name}: never entered, and not in {LIST}" for name in sorted(found - known))]


def untrue(found: AbstractSet[str], listed: Mapping[str, Group], entered: Mapping[str, AbstractSet[str]]) -> list[str]:
    """What the list says of blocks that were found, and all tests together show to be otherwise."""
    said = []
    for name, group in listed.items():
        for block in sorted(group.blocks & found):
            files = entered.get(block, set())
            if name.startswith(TESTS) and name not in files:
                said.append(f"{block}: not entered by {name}, but by {', '.join(sorted(files)) or 'no test'}")
            elif not name.startswith(TESTS) and files:
                said.append(f"{block}: entered by {', '.join(sorted(files))}, and {LIST} says of no test ({name})")
    return said


def by_files(blocks: Iterable[str], entered: Mapping[str, AbstractSet[str]]) -> dict[str, set[str]]:
    """Each block under one of the files that enter it, and few files in all; none for what no test enters."""
    left = {block: files for block in blocks if (files := entered.get(block))}
    found: dict[str, set[str]] = {}
    while left:
        counts = Counter(file for files in left.values() for file in files)
        most = min(counts, key=lambda file: (-counts[file], file))
        found[most] = {block for block, files in left.items() if most in files}
        left = {block: files for block, files in left.items() if most not in files}
    return found


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


def written(
    found: AbstractSet[str], listed: Mapping[str, Group], entered: Mapping[str, AbstractSet[str]] | None = None
) -> str:
    """The list with what was found; what is new has yet to be given its reason, or the file that `entered` names."""

    def stays(name: str, block: str) -> bool:
        files = (entered or {}).get(block, set())
        return block in found and (entered is None or (name in files if name.startswith(TESTS) else not files))

    kept = {
        name: Group(group.reason, frozenset(block for block in group.blocks if stays(name, block)))
        for name, group in listed.items()
    }
    left = found - {block for group in kept.values() for block in group.blocks}
    for file, blocks in by_files(left, entered or {}).items():
        kept[file] = Group("", kept[file].blocks | blocks if file in kept else frozenset(blocks))
        left -= blocks
    new = {UNKNOWN: Group("", frozenset(left))}
    in_order = sorted({**new, **kept}.items(), key=lambda each: (each[0].startswith(TESTS), each[0]))
    return HEAD + "\n".join(_section(name, group) for name, group in in_order if group.blocks)


def _section(name: str, group: Group) -> str:
    blocks = "".join(f'  "{block}",\n' for block in sorted(group.blocks))
    head = f"[{json.dumps(name)}]" if name.startswith(TESTS) else f"[{name}]"
    reason = f"reason = {json.dumps(group.reason, ensure_ascii=False)}\n" if group.reason or head[1] != '"' else ""
    return f"{head}\n{reason}blocks = [\n{blocks}]\n"


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


def main(arguments: Sequence[str]) -> int:
    """The exit code: 1 where the list is not what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("--all", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--lines", action="store_true")
    options = parser.parse_args(arguments)
    report = _read(options.report)
    everything = None if options.all is None else _read(options.all)
    found, listed = never_entered(report), groups(LIST.read_text(encoding="utf-8"))
    entered = None if everything is None else entered_by(everything)
    shown = report if everything is None else everything
    if options.lines:
        sys.stdout.writelines(f"{each}\n" for each in left_out(shown))
    sys.stdout.write(table(shown) + "\n")
    if options.write:
        LIST.write_text(written(found, listed, entered), encoding="utf-8")
        return 0
    sys.stdout.writelines(f"{each}\n" for each in notes(found, listed))
    said = complaints(found, listed) + ([] if entered is None else untrue(found, listed, entered))
    sys.stderr.writelines(f"{each}\n" for each in said)
    return 1 if said else 0


def _read(file: Path) -> Report:
    report: Report = json.loads(file.read_text(encoding="utf-8"))
    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
