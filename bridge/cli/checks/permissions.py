"""Whether the brokers let this user do what the bridge does: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.exits import FindingKind


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
                f"The brokers do not say what this user may do with {_some(silent)}; the first run will tell."
            )
        ]
    return [findings.ok("This user may read the topics, commit for the group and write dead letters.")]


def _refused(operation: str, kind: str, name: str) -> Finding:
    return findings.problem(
        f"This user may not {operation} the {kind} {name}.",
        f"grant it: kafka-acls --add --allow-principal User:NAME --operation {operation.title()} --{kind} {name}",
        FindingKind.TOPICS,
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
