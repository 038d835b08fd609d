"""How long the backlog takes at the rate the destination allows, and whether the log keeps it that long: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.commands import command
from bridge.text.amounts import per_minute, plural, span, thousands


@dataclass(frozen=True, slots=True)
class TopicBacklog:
    """What waits in one topic."""

    topic: str
    records: int
    retention: float | None = None
    """Seconds after which the topic's records are deleted; None: never, or not known."""


def forecast(backlogs: Sequence[TopicBacklog], rate: float | None, undecided: Sequence[str] = ()) -> list[Finding]:
    """`rate` in requests per second, None for no limit; `undecided` are topics whose start is not decided yet."""
    total = sum(backlog.records for backlog in backlogs)
    except_for = f" (without {', '.join(undecided)}, whose start is not decided)" if undecided else ""
    if total == 0:
        return [findings.ok(f"Nothing waits to be read{except_for}.")]
    if rate is None:
        return [
            findings.ok(
                f"{plural(total, 'record')} behind{except_for}; no rate limit is set, so the API decides how long."
            )
        ]
    seconds = total / rate
    found = [
        findings.note(
            f"{plural(total, 'record')} behind{except_for}; at {per_minute(rate)} {span(seconds)} if all are mapped. "
            f"{_busiest(backlogs)}".rstrip()
        )
    ]
    return found + [
        findings.warning(
            f"{backlog.topic} keeps records for {span(backlog.retention)}, but the backlog takes {span(seconds)} if "
            "all of it is mapped: the oldest may be deleted before they are sent.",
            "raise the topic's retention.ms until the backlog is done, filter more in the mapping, or have the "
            "destination's rate limit raised (delivery.rate_limit)",
        )
        for backlog in backlogs
        if backlog.records and backlog.retention is not None and backlog.retention < seconds
    ]


def growth(records_per_second: Mapping[str, float], rate: float | None) -> list[Finding]:
    """Whether what arrives fits the rate at all."""
    total = sum(records_per_second.values())
    if rate is None or total <= rate:
        return []
    return [
        findings.warning(
            f"In the last hour {thousands(total * 60)} records a minute arrived, and {per_minute(rate)} can be sent: "
            f"if more than {rate / total:.0%} of them are mapped, the bridge never catches up.",
            f"see what the mapping lets through (`{command('map', '--from-topic')}`), or have the destination's limit "
            "raised",
        )
    ]


def _busiest(backlogs: Sequence[TopicBacklog]) -> str:
    waiting = sorted((each for each in backlogs if each.records), key=lambda each: -each.records)
    if len(waiting) < 2:
        return ""
    shown = ", ".join(f"{each.topic} {thousands(each.records)}" for each in waiting[:5])
    return f"By topic: {shown}{', …' if len(waiting) > 5 else ''}."
