"""What `track-bridge check` found, one sentence each with what to do, and the exit code that follows from all."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.cli.frame import output
from bridge.cli.samples import lint
from bridge.exits import KINDS, ExitCode, FindingKind
from bridge.text.amounts import plural
from bridge.text.printable import printable

if TYPE_CHECKING:
    from bridge.config.keys.problems import Problem
    from bridge.lint.linting import Linted


class Level(enum.StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; also what could not be found out."""
    WARNING = "warning"
    """The bridge runs, but perhaps not as intended."""
    PROBLEM = "problem"
    """The bridge does not start, or cannot do its work."""


_STYLES = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
_WIDTH = max(len(level) for level in Level)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    """One sentence."""
    to_do: str = ""
    kind: FindingKind | None = None
    """None of what is as it should be, and of notes."""

    @property
    def code(self) -> ExitCode:
        """The exit code this finding alone would cause."""
        return ExitCode.OK if self.kind is None else KINDS[self.kind].code

    @property
    def detailed(self) -> int:
        """The same with ``--detailed-exit-code``."""
        return ExitCode.OK if self.kind is None else KINDS[self.kind].detailed


def ok(what: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, what)


def note(what: str, to_do: str = "") -> Finding:
    """Worth knowing."""
    return Finding(Level.NOTE, what, to_do)


def warning(what: str, to_do: str, kind: FindingKind = FindingKind.WARNING) -> Finding:
    """Perhaps not as intended."""
    return Finding(Level.WARNING, what, to_do, kind)


def problem(what: str, to_do: str, kind: FindingKind) -> Finding:
    """Has to be fixed; what follows from its kind, `bridge.exits` says."""
    return Finding(Level.PROBLEM, what, to_do, kind)


def refused(problems: Iterable[Problem]) -> Area:
    """What a configuration is refused for."""
    return Area("Configuration", [problem(str(each), "", FindingKind.CONFIGURATION) for each in problems])


def problems(area: Area) -> list[Finding]:
    """Those of an area that keep the bridge from starting or working."""
    return [finding for finding in area.findings if finding.level is Level.PROBLEM]


@dataclass(frozen=True, slots=True)
class Area:
    """The findings about one thing, under its name."""

    title: str
    findings: Sequence[Finding]


def exit_code(areas: Sequence[Area]) -> ExitCode:
    """The gravest one: what does not answer hides everything behind it, a bad configuration all but that."""
    return max((finding.code for area in areas for finding in area.findings), default=ExitCode.OK)


def detailed_exit_code(areas: Sequence[Area]) -> int:
    """The code of the gravest kind there is."""
    return max((finding.detailed for area in areas for finding in area.findings), default=int(ExitCode.OK))


def code_of_lint(found: Linted | None, *, strict: bool, detailed: bool) -> int:
    """What lint adds to how a command ends: nothing, unless it is asked to."""
    if not strict or found is None or not found.findings:
        return ExitCode.OK
    entry = KINDS[FindingKind.LINT]
    return entry.detailed if detailed else entry.code


def show(areas: Sequence[Area], linted: Linted | None = None) -> None:
    """For a person."""
    for area in areas:
        output.line(area.title)
        for finding in area.findings:
            output.line(
                f"  {finding.level:<{_WIDTH}}  {printable(finding.what)}",
                None if finding.level is Level.OK else _STYLES[finding.level],
            )
            if finding.to_do:
                output.line(f"  {'':<{_WIDTH}}  To do: {printable(finding.to_do)}")
        output.line()
    if linted is not None and (lines := lint.lint_lines(linted, without=lint.UNREAD)):
        output.lines([*lines, ""])
    output.line(summary(areas))


def summary(areas: Sequence[Area]) -> str:
    """``2 problems, 1 warning.``"""
    levels = [finding.level for area in areas for finding in area.findings]
    parts = [plural(levels.count(level), level.value) for level in (Level.PROBLEM, Level.WARNING) if level in levels]
    return f"{', '.join(parts)}." if parts else "No problems."


def document(areas: Sequence[Area], linted: Linted | None = None, *, strict: bool = False) -> dict[str, Any]:
    """For a script."""
    levels = [finding.level for area in areas for finding in area.findings]
    own = {detailed: code_of_lint(linted, strict=strict, detailed=detailed) for detailed in (False, True)}
    return {
        "exit_code": int(max(exit_code(areas), own[False])),
        "detailed_exit_code": int(max(detailed_exit_code(areas), own[True])),
        "problems": levels.count(Level.PROBLEM),
        "warnings": levels.count(Level.WARNING),
        "findings": [
            {
                "area": area.title,
                "level": finding.level.value,
                "kind": finding.kind,
                "what": finding.what,
                "to_do": finding.to_do or None,
            }
            for area in areas
            for finding in area.findings
        ],
        "lint": None if linted is None else lint.lint_document(linted),
    }
