"""A plan as ``track-bridge dlq replay --dry-run`` shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bridge.commands import completed
from bridge.text import tables
from bridge.text.amounts import thousands

if TYPE_CHECKING:
    from bridge.cli.frame import startup
    from bridge.reprocess.reading.redaction import Redaction
    from bridge.reprocess.replay.plan import Plan, PlannedLetter

MOST = 3
"""Letters of those to be sent."""


def lines(made: Plan, start: startup.LoadedConfiguration, hidden: Redaction, nothing: str) -> Iterator[str]:
    """For people: counts by outcome, then one letter of each kind with its difference."""
    yield from counts(made, nothing)
    if made.sends:
        yield _bodies(made)
        if made.stale:
            yield (
                f"{thousands(made.stale)} are older than an event already delivered for the user, which would no "
                "longer be what the API shows as latest (--stale skip leaves them out)."
            )
        if made.stale_unknown:
            yield (
                f"Of {thousands(made.stale_unknown)} it cannot be told whether newer events of their user were "
                "delivered: the records after them are gone from their topic or too many, or the group has committed "
                "nothing there."
            )
    yield from _samples(made, start, hidden)
    yield "Nothing was sent (--dry-run)."


def document(made: Plan, start: startup.LoadedConfiguration, hidden: Redaction) -> dict[str, Any]:
    """For scripts."""
    from bridge.reprocess.replay.plan import Body

    return {
        "selected": made.counts.total(),
        "outcomes": {fate.value: number for fate, number in made.counts.items()},
        "stale": made.stale,
        "stale_unknown": made.stale_unknown,
        "changed": made.bodies[Body.CHANGED],
        "bodies": {body.value: made.bodies[body] for body in Body},
        "samples": _sample_documents(made, start, hidden),
    }


def counts(made: Plan, nothing: str) -> list[str]:
    """By outcome; the sentence `nothing` where no dead letter is meant."""
    from bridge.reprocess.replay.plan import SENTENCES

    rows = [
        [thousands(number), completed(SENTENCES[fate], ID=str(made.samples[fate].entry.letter.place))]
        for fate, number in made.counts.most_common()
    ]
    return tables.table(rows, right=(0,)) if rows else [nothing]


def _bodies(made: Plan) -> str:
    """What would be sent, beside what was: only where something was."""
    from bridge.reprocess.replay.plan import Body

    told = (
        (Body.CHANGED, "would be sent with a changed body"),
        (Body.SAME, "would be sent with the same body"),
        (Body.FIRST, "would be sent for the first time"),
        (Body.SEVERAL, "would be sent as several requests"),
    )
    parts = [f"{thousands(made.bodies[body])} {text}" for body, text in told if made.bodies[body]]
    return f"Of those to be sent: {', '.join(parts)}."


def _samples(made: Plan, start: startup.LoadedConfiguration, hidden: Redaction) -> list[str]:
    """One letter of each kind, and what of its request would change."""
    from bridge.reprocess.reading import contents
    from bridge.reprocess.showing import letter as showing
    from bridge.reprocess.showing import steps
    from bridge.text.printable import printable

    shown: list[str] = []
    for each in _chosen(made):
        letter = each.entry.letter
        origin = letter.origin or "an unknown record"
        told = steps.short(letter)
        reason = f"{letter.reason} ({told})" if told else letter.reason
        shown += ["", f"{letter.place} from {origin}, {reason}: {each.fate.value.replace('_', ' ')}"]
        record = contents.current(letter, each.entry.standing)
        if each.detail:
            shown.append(f"  {each.detail}")
        elif record is not None:
            shown += showing.now_lines(each.entry, record, start.mapping, hidden)
    return [printable(line) for line in shown]


def _sample_documents(made: Plan, start: startup.LoadedConfiguration, hidden: Redaction) -> list[dict[str, Any]]:
    """The same for scripts."""
    from bridge.reprocess.showing import letter as showing
    from bridge.reprocess.showing import steps

    return [
        {
            "id": str(each.entry.letter.place),
            "outcome": each.fate.value,
            "detail": each.detail,
            "changed": each.changed,
            "kind": each.entry.letter.request_kind,
            "step": steps.document(each.entry, start.mapping),
            **{name: showing.contents_of(each.entry, start.mapping, hidden)[name] for name in ("sent", "now")},
        }
        for each in _chosen(made)
    ]


def _chosen(made: Plan) -> list[PlannedLetter]:
    others = [each for fate, each in made.samples.items() if fate.value != "send"]
    changed = [each for each in made.sends if each.changed]
    return [*(changed or made.sends)[:MOST], *others]
