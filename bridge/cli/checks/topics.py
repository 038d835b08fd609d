"""The configured topics against those the cluster has, and what the brokers let this user do with them: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.config.reading.hints import nearest
from bridge.config.topics import topic_patterns
from bridge.config.topics.topic_patterns import Reading
from bridge.exits import FindingKind
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.text.amounts import listed, plural

_CLOSE = 0.8
"""Names that differ by more are other topics, not slips."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """What of the cluster is read, and what was to be said about it."""

    partitions: Mapping[str, int]
    """Partition counts by topic."""
    findings: Sequence[Finding]


def consumed(entries: Sequence[str], existing: Mapping[str, int], reading: Reading = Reading.SEARCHED) -> Consumed:
    """Which topics the entries of kafka.topics stand for; `existing` are partition counts by name."""
    partitions: dict[str, int] = {}
    found: list[Finding] = []
    for entry in entries:
        taken = _taken(entry, existing, reading)
        partitions |= taken
        if topic_patterns.is_pattern(entry):
            found.append(_pattern(entry, taken))
            if reading is Reading.WHOLE:
                found += _only_begun(entry, taken, _taken(entry, existing, Reading.SEARCHED))
        elif taken:
            found.append(findings.ok(f"{entry}: {plural(taken[entry], 'partition')}."))
        else:
            found.append(
                findings.problem(
                    f"{entry}: there is no such topic, or this user may not see it.",
                    f"create it, correct kafka.topics{_meant(entry, existing)}, or grant DESCRIBE and READ on it",
                    FindingKind.TOPICS,
                )
            )
    return Consumed(partitions, [*found, *_of_bridges(partitions, existing)])


def _meant(entry: str, existing: Iterable[str]) -> str:
    close = nearest(entry, existing, _CLOSE)
    return f" (did you mean {close[0]}?)" if close else ""


def _taken(entry: str, existing: Mapping[str, int], reading: Reading) -> dict[str, int]:
    return {name: count for name, count in sorted(existing.items()) if topic_patterns.matches(entry, name, reading)}


def _only_begun(entry: str, taken: Mapping[str, int], searched: Mapping[str, int]) -> Iterator[Finding]:
    """The consumer protocol matches whole names, without a word about those that a search would find."""
    left = [name for name in searched if name not in taken]
    if left:
        yield findings.warning(
            f"{entry} must match the whole name under the consumer protocol, so {listed(left)} is not read.",
            "write a pattern of the whole name, such as ^bill.* for ^bill, or set kafka.group_protocol: classic",
        )


def _of_bridges(taken: Mapping[str, int], existing: Mapping[str, int]) -> Iterator[Finding]:
    """A dead-letter topic has its resolutions topic beside it, and no other topic has."""
    ending = resolutions_of("")
    own = [
        name
        for name in taken
        if resolutions_of(name) in existing or (name.endswith(ending) and name.removesuffix(ending) in existing)
    ]
    if own:
        yield findings.warning(
            f"{listed(own)} of kafka.topics is a bridge's dead-letter or resolutions topic: its records are no events "
            'and are filtered (reason "bridge_record").',
            "narrow the pattern in kafka.topics, or take the topic out",
        )


def _pattern(entry: str, taken: Mapping[str, int]) -> Finding:
    if not taken:
        return findings.warning(
            f"{entry} matches no topic now; topics that appear later are read from then on.",
            "check the pattern in kafka.topics if there should be some",
        )
    shown = listed([f"{name} ({count})" for name, count in taken.items()])
    return findings.ok(f"{entry} matches {plural(len(taken), 'topic')} (with partitions): {shown}.")


def permissions(
    group: str,
    on_group: frozenset[str] | None,
    sources: Sequence[str],
    targets: Sequence[str],
    on_topics: Mapping[str, frozenset[str]],
) -> list[Finding]:
    """Operations by name, as in ``READ``; None, or a topic that is missing: the brokers did not say."""
    found = [
        *(_refused("READ", "topic", topic) for topic in sources if "READ" not in on_topics.get(topic, {"READ"})),
        *(_refused("WRITE", "topic", topic) for topic in targets if "WRITE" not in on_topics.get(topic, {"WRITE"})),
    ]
    if on_group is not None and "READ" not in on_group:
        found.append(_refused("READ", "group", group))
    if found:
        return found
    silent = [name for name in (*sources, *targets) if name not in on_topics]
    silent += [f"group {group}"] if on_group is None else []
    if silent:
        return [
            findings.note(
                f"The brokers do not say what this user may do with {listed(silent, 5)}; the first run will tell."
            )
        ]
    return [findings.ok("This user may read the topics, commit for the group and write dead letters.")]


def _refused(operation: str, kind: str, name: str) -> Finding:
    return findings.problem(
        f"This user may not {operation} the {kind} {name}.",
        f"grant it: kafka-acls --add --allow-principal User:NAME --operation {operation.title()} --{kind} {name}",
        FindingKind.TOPICS,
    )
