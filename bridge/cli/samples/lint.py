"""Findings of lint, in lines for a person and as JSON for a script: of `check`, `test` and `map`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bridge.text.amounts import plural
from bridge.text.printable import printable

if TYPE_CHECKING:
    from bridge.cli.frame.startup import LoadedConfiguration
    from bridge.lint.lint_finding import LintFinding
    from bridge.lint.linting import Linted
    from bridge.lint.subject import LintEvidence

_PAGE = "docs/lint.md"
UNREAD: Final = "TB105"
"""Said by `check` in words of its own, because the brokers know more of it."""


def linted(start: LoadedConfiguration, *, evidence: LintEvidence | None = None, beneath: str = "") -> Linted:
    """The findings on a configuration, of its examples, and of what the brokers showed.

    `beneath` is the section that is looked at; left out: all of them.
    """
    from bridge.lint.linting import Linted, lint
    from bridge.lint.subject import LintSubject, samples_of_examples

    samples = samples_of_examples(start.mapping, start.config.mapping.examples)
    subject = LintSubject(start.config, start.mapping, samples, evidence, start.loaded.places)
    found = lint(subject, start.loaded.located)
    shown = tuple(each for each in found.findings if each.where.startswith(beneath) or _ignores(each, start, beneath))
    return Linted(shown, found.ignored)


def _ignores(finding: LintFinding, start: LoadedConfiguration, beneath: str) -> bool:
    """An ignore in vain is shown where its finding would be."""
    return any(
        finding.where == f"lint.ignore[{place}]" and ignore.where.startswith(beneath)
        for place, ignore in enumerate(start.config.lint.ignore)
    )


def lint_lines(found: Linted, *, without: str = "") -> list[str]:
    """Under a heading; nothing where nothing is found. `without` is a code that is said elsewhere."""
    shown = [each for each in found.findings if each.code != without]
    if not shown:
        return []
    lines = [f"Lint ({_PAGE})"]
    for each in shown:
        lines += [f"  {each.code}  {printable(each.sentence)}", f"         To do: {printable(each.to_do)}."]
    return [*lines, f"  {lint_summary(len(shown), found.ignored)}"]


def lint_summary(count: int, ignored: int) -> str:
    """``3 findings, 1 ignored.``"""
    more = f", {ignored} ignored" if ignored else ""
    return f"{plural(count, 'finding')}{more}."


def lint_document(found: Linted) -> dict[str, Any]:
    """The same for a script."""
    from bridge.lint.lint_finding import SEVERITY

    return {"findings": [_document(each, SEVERITY) for each in found.findings], "ignored": found.ignored}


def _document(finding: LintFinding, severity: str) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": severity,
        "where": finding.where,
        "line": finding.line or None,
        "what": finding.what,
        "to_do": finding.to_do,
    }
