"""All findings on a configuration, less those that are meant so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.config.keys.problems import Problem
from bridge.config.lint.lint_section import IgnoredFinding
from bridge.config.sections import Config
from bridge.lint.lint_finding import LintFinding
from bridge.lint.rules import RULES
from bridge.lint.subject import LintSubject

IGNORES_NOTHING: Final = "TB702"
NEEDS_RECORDS: Final = frozenset({"TB103", "TB404", "TB405"})
"""Found only by who has asked the brokers: an ignore of one fits nothing without them, and that is no finding."""

Locate = Callable[[Iterable[Problem]], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Linted:
    """What is said, and how much is not."""

    findings: tuple[LintFinding, ...]
    ignored: int


def lint(subject: LintSubject, locate: Locate = tuple) -> Linted:
    """Everything there is to say of it. `locate` gives keys their lines, see `Loaded.located`."""
    every = tuple(
        dict.fromkeys(
            LintFinding(code, pointed.where, pointed.what, pointed.to_do)
            for code, rule in RULES.items()
            for pointed in rule(subject)
        )
    )
    ignores = subject.config.lint.ignore
    used: set[int] = set()
    left = []
    for finding in every:
        fitting = {place for place, ignore in enumerate(ignores) if _fits(ignore, finding)}
        used |= fitting
        if not fitting:
            left.append(finding)
    ignored = len(every) - len(left)
    has_records = subject.evidence is not None
    for place, ignore in enumerate(ignores):
        if place not in used and (has_records or ignore.code not in NEEDS_RECORDS):
            left.append(_in_vain(place, ignore))
    return Linted(_located(left, locate), ignored)


def findings(subject: LintSubject, locate: Locate = tuple) -> tuple[LintFinding, ...]:
    """What is said."""
    return lint(subject, locate).findings


def ignored_at(config: Config, code: str) -> Callable[[str], bool]:
    """Whether a finding of this code at a key is meant so: for what says it in its own words."""
    ignores = config.lint.ignore
    return lambda where: any(_fits(each, LintFinding(code, where, "", "")) for each in ignores)


def _fits(ignore: IgnoredFinding, finding: LintFinding) -> bool:
    where, at = _plain(ignore.where), _plain(finding.where)
    return ignore.code == finding.code and (at == where or at.startswith((f"{where}.", f"{where}[")))


def _plain(where: str) -> str:
    """A list of one means the same as its only item, and the file may have either."""
    return where.replace("[0]", "")


def _in_vain(place: int, ignore: IgnoredFinding) -> LintFinding:
    return LintFinding(
        IGNORES_NOTHING,
        f"lint.ignore[{place}]",
        f"there is no {ignore.code} at {ignore.where}",
        "remove it, or correct its where",
    )


def _located(found: Sequence[LintFinding], locate: Locate) -> tuple[LintFinding, ...]:
    problems = locate([Problem(each.where, each.what) for each in found])
    return tuple(
        LintFinding(each.code, problem.where, problem.message, each.to_do, problem.source)
        for each, problem in zip(found, problems, strict=True)
    )
