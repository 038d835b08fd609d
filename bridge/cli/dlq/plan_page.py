"""One letter of each kind in a plan, and what of its request would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.cli.dlq import show

if TYPE_CHECKING:
    from bridge.cli.frame import startup
    from bridge.reprocess.replay.plan import Plan, PlannedLetter

MOST = 3
"""Letters of those to be sent."""


def lines(made: Plan, start: startup.LoadedConfiguration, *, redact: bool) -> list[str]:
    """For people."""
    from bridge.reprocess.reading import contents
    from bridge.reprocess.reading.redaction import redaction
    from bridge.text.printable import printable

    hidden = redaction(start.config.dead_letter.redact, everything=redact)
    shown: list[str] = []
    for each in _chosen(made):
        letter = each.entry.letter
        origin = letter.origin or "an unknown record"
        shown += ["", f"{letter.place} from {origin}, {letter.reason}: {each.fate.value.replace('_', ' ')}"]
        record = contents.current(letter, each.entry.standing)
        if each.detail:
            shown.append(f"  {each.detail}")
        elif record is not None:
            shown += show.now_lines(each.entry, record, start, hidden)
    return [printable(line) for line in shown]


def documents(made: Plan, start: startup.LoadedConfiguration, *, redact: bool) -> list[dict[str, Any]]:
    """For scripts."""
    from bridge.reprocess.reading.redaction import redaction

    hidden = redaction(start.config.dead_letter.redact, everything=redact)
    return [
        {
            "id": str(each.entry.letter.place),
            "outcome": each.fate.value,
            "detail": each.detail,
            "changed": each.changed,
            **{name: show.contents_of(each.entry, start, hidden)[name] for name in ("sent", "now")},
        }
        for each in _chosen(made)
    ]


def _chosen(made: Plan) -> list[PlannedLetter]:
    others = [each for fate, each in made.samples.items() if fate.value != "send"]
    changed = [each for each in made.sends if each.changed]
    return [*(changed or made.sends)[:MOST], *others]
