"""Where the group stands on each topic, and how much waits behind that: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.cli.exits import ExitCode
from bridge.cli.output import number, plural
from bridge.config.scalars import StartFrom, StartPoint
from bridge.kafka.starts import LogRange
from bridge.model import TopicPartition


@dataclass(frozen=True, slots=True)
class Facts:
    """What the brokers said of one topic's partitions; a partition that is missing was not answered for."""

    logs: Mapping[TopicPartition, LogRange]
    positions: Mapping[TopicPartition, int | None]
    at_start_time: Mapping[TopicPartition, int]
    """Where `kafka.start_from` is a time or an age: the first offset at or after it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One topic's outcome."""

    backlog: int | None
    """Records that wait; None while it is not decided where to start."""
    findings: tuple[Finding, ...]


def standing(topic: str, facts: Facts, start_from: StartFrom) -> Standing:
    """Judge one topic."""
    logs = {partition: log for partition, log in facts.logs.items() if partition.topic == topic}
    known = {p: facts.positions[p] for p in logs if p in facts.positions}
    committed = {p: position for p, position in known.items() if position is not None}
    if not logs or not known:
        return Standing(None, (findings.note(f"{topic}: the brokers did not say how far the group has come."),))
    if not committed:
        return _unstarted(topic, logs, facts, start_from)
    outside = {p: at for p, at in committed.items() if not logs[p].first <= at <= logs[p].end}
    starts = {p: committed.get(p, logs[p].first) for p in logs}
    backlog = sum(max(0, logs[p].end - max(start, logs[p].first)) for p, start in starts.items())
    added = len(logs) - len(committed)
    text = (
        f"{topic}: {number(backlog)} behind; the group has positions on {len(committed)} of "
        f"{plural(len(logs), 'partition')}"
    )
    later = "; the others are read from their beginning" if added else ""
    return Standing(
        backlog,
        (findings.ok(f"{text}{later}."), *(_outside(p, at, logs[p]) for p, at in sorted(outside.items()))),
    )


def _unstarted(topic: str, logs: Mapping[TopicPartition, LogRange], facts: Facts, start_from: StartFrom) -> Standing:
    """The group has never read this topic: `kafka.start_from` decides."""
    total = sum(log.end - log.first for log in logs.values())
    if start_from is StartPoint.ERROR:
        return Standing(
            None,
            (
                findings.problem(
                    f"{topic}: the group has no position and kafka.start_from does not say where to begin, so this "
                    f"topic would be held. It has {plural(total, 'record')}.",
                    "set kafka.start_from to earliest (send the whole log), latest (only what comes from now on), a "
                    "time or an age such as 24h",
                    ExitCode.USAGE,
                ),
            ),
        )
    if start_from is StartPoint.LATEST:
        return Standing(
            0, (findings.ok(f"{topic}: new to the group; read from now on ({number(total)} records are passed over)."),)
        )
    if start_from is StartPoint.EARLIEST:
        return Standing(
            total, (findings.ok(f"{topic}: new to the group; read from its beginning, {plural(total, 'record')}."),)
        )
    backlog = sum(log.end - facts.at_start_time.get(p, log.end) for p, log in logs.items())
    return Standing(
        backlog,
        (findings.ok(f"{topic}: new to the group; kafka.start_from leaves {plural(backlog, 'record')} to read."),),
    )


def _outside(partition: TopicPartition, position: int, log: LogRange) -> Finding:
    if position < log.first:
        what = (
            f"{partition}: the group's position {position} is below the log's start {log.first}: up to "
            f"{plural(log.first - position, 'record')} were deleted before they were read. The partition would be held."
        )
    else:
        what = (
            f"{partition}: the group's position {position} is beyond the log's end {log.end}: the topic was perhaps "
            "created anew. The partition would be held."
        )
    return findings.problem(
        what,
        "decide where to go on and set the position while the bridge is stopped: "
        f"kafka-consumer-groups --reset-offsets --topic {partition.topic}:{partition.partition}",
        ExitCode.FINDINGS,
    )
