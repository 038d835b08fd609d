"""The configured topics against those the cluster has: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.cli.exits import ExitCode
from bridge.cli.output import plural
from bridge.config import topic_patterns

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Consumed:
    """What of the cluster is read, and what was to be said about it."""

    partitions: Mapping[str, int]
    """Partition counts by topic."""
    findings: Sequence[Finding]


def consumed(entries: Sequence[str], existing: Mapping[str, int]) -> Consumed:
    """Which topics the entries of kafka.topics stand for; `existing` are partition counts by name."""
    partitions: dict[str, int] = {}
    found: list[Finding] = []
    for entry in entries:
        taken = {name: count for name, count in sorted(existing.items()) if topic_patterns.matches(entry, name)}
        partitions |= taken
        if topic_patterns.is_pattern(entry):
            found.append(_pattern(entry, taken))
        elif taken:
            found.append(findings.ok(f"{entry}: {plural(taken[entry], 'partition')}."))
        else:
            found.append(
                findings.problem(
                    f"{entry}: there is no such topic, or this user may not see it.",
                    "create it, correct kafka.topics, or grant DESCRIBE and READ on it",
                    ExitCode.USAGE,
                )
            )
    return Consumed(partitions, found)


def _pattern(entry: str, taken: Mapping[str, int]) -> Finding:
    if not taken:
        return findings.warning(
            f"{entry} matches no topic now; topics that appear later are read from then on.",
            "check the pattern in kafka.topics if there should be some",
        )
    shown = ", ".join(f"{name} ({count})" for name, count in list(taken.items())[:_SHOWN])
    more = f" and {len(taken) - _SHOWN} more" if len(taken) > _SHOWN else ""
    return findings.ok(f"{entry} matches {plural(len(taken), 'topic')} (with partitions): {shown}{more}.")
