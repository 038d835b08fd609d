"""The situations as Markdown: in short for docs/operations.md, and in full with what was really shown.

``python -m tests.integration.situations.report`` writes the short table into the page anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from scripts.reference_tables import refreshed
from tests.chart.chart import ROOT
from tests.integration.situations.situation import Situation
from tests.integration.situations.table import SITUATIONS

PAGE: Final = ROOT / "docs" / "operations.md"
BLOCK: Final = "situations"
SHOWN: Final = "situation"
"""What a test leaves in its report's `user_properties`, an outcome as JSON."""
NONE: Final = "none"


def short() -> str:
    """What to expect, without running anything."""
    head = ("it happens that", "state", "`status` tells", "alert that is sent", "runbook", "lost")
    rows = [
        (
            situation.title,
            f"`{situation.state.value}`",
            f"`{situation.why}`",
            _alerts(situation),
            f"[{situation.section}](runbook.md#{anchor(situation.section)})",
            situation.loss,
        )
        for situation in SITUATIONS
    ]
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def anchor(heading: str) -> str:
    """Of a heading on a page."""
    return heading.lower().replace(" ", "-")


def full(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """What was shown, situation by situation; one that was not run is said to be missing."""
    found = {outcome["name"]: outcome for outcome in outcomes}
    return "\n".join(_section(situation, found.get(situation.name)) for situation in SITUATIONS)


def _alerts(situation: Situation) -> str:
    first = ", ".join(f"`{name}`" for name in situation.alerts) or NONE
    later = ", ".join(f"`{name}`" for name in situation.later)
    return f"{first}; after an hour or two {later}" if later else first


def _section(situation: Situation, outcome: Mapping[str, Any] | None) -> str:
    lines = [f"### {situation.title}", ""]
    if outcome is None:
        return "\n".join([*lines, "NOT SHOWN: its test failed or was not run.", ""])
    lines += ["```", outcome["headline"], *outcome["told"], *(f"Lost: {line}" for line in outcome["lost"]), "```"]
    lines += [
        f"- shown {outcome['shown_after']:.0f} s after the cause",
        *(f"- sent: {name}: {summary}" for name, summary in outcome["alerts"].items()),
        f"- sent later: {_named(outcome['later'])}; inhibited: {_named(outcome['inhibited'])}; no other alert fires",
        f"- sent three hours after it was over: {_named(outcome['left'])}",
        *(f"- dashboard, {row}" for row in outcome["rows"]),
        f"- runbook: {situation.section} (`{situation.cure}`)",
        f"- lost: {situation.loss}",
        "",
    ]
    return "\n".join(lines)


def _named(names: Iterable[str]) -> str:
    return ", ".join(names) or NONE


def main() -> None:
    """Write the page's table anew."""
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8"), {BLOCK: short()}), encoding="utf-8")


if __name__ == "__main__":
    main()
