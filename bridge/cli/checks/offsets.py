"""The committed offsets of each topic, what waits behind them, and how long that takes at the rate allowed: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.commands import Operand, command
from bridge.config.keys.scalars import StartFrom, StartPoint
from bridge.exits import FindingKind
from bridge.holds import REASONS, Reason
from bridge.kafka.consumer.end_offsets import HANGING_AFTER
from bridge.model import LogRange, TopicPartition
from bridge.text.amounts import per_minute, plural, span, thousands

WORTH_A_WORD: Final = 10.0
"""Seconds from which on an open transaction is mentioned: younger ones are how transactional producers work."""


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that keeps what comes after it from being read."""

    stable: int
    """The last stable offset: nothing from here on can be read before it ends."""
    age: float | None
    """Seconds since its first record was written, by the record's own time; None where that could not be read."""


@dataclass(frozen=True, slots=True)
class TopicOffsets:
    """What the brokers said of one topic's partitions; a partition that is missing was not answered for."""

    logs: Mapping[TopicPartition, LogRange]
    positions: Mapping[TopicPartition, int | None]
    at_start_time: Mapping[TopicPartition, int]
    """Where `kafka.start_from` is a time or an age: the first offset at or after it."""
    transactions: Mapping[TopicPartition, OpenTransaction] = field(default_factory=dict)
    """Of partitions whose last stable offset is below their end."""


@dataclass(frozen=True, slots=True)
class TopicOutcome:
    """One topic's outcome."""

    backlog: int | None
    """Records that wait; None while it is not decided where to start."""
    findings: tuple[Finding, ...]


def judge(topic: str, facts: TopicOffsets, start_from: StartFrom) -> TopicOutcome:
    """Judge one topic."""
    judged = _judged(topic, facts, start_from)
    return TopicOutcome(judged.backlog, (*judged.findings, *_open(topic, facts)))


def _judged(topic: str, facts: TopicOffsets, start_from: StartFrom) -> TopicOutcome:
    logs = {partition: log for partition, log in facts.logs.items() if partition.topic == topic}
    known = {p: facts.positions[p] for p in logs if p in facts.positions}
    committed = {p: position for p, position in known.items() if position is not None}
    if not logs or not known:
        return TopicOutcome(None, (findings.note(f"{topic}: the brokers did not say how far the group has come."),))
    if not committed:
        readable = {partition: LogRange(log.first, _readable(partition, facts)) for partition, log in logs.items()}
        return _unstarted(topic, readable, facts, start_from)
    outside = {p: at for p, at in committed.items() if not logs[p].first <= at <= logs[p].end}
    starts = {p: committed.get(p, logs[p].first) for p in logs}
    backlog = sum(max(0, _readable(p, facts) - max(start, logs[p].first)) for p, start in starts.items())
    added = len(logs) - len(committed)
    text = (
        f"{topic}: {thousands(backlog)} behind; the group has committed offsets on {len(committed)} of "
        f"{plural(len(logs), 'partition')}"
    )
    later = "; the others are read from their beginning" if added else ""
    return TopicOutcome(
        backlog,
        (findings.ok(f"{text}{later}."), *(_outside(p, at, logs[p]) for p, at in sorted(outside.items()))),
    )


def _readable(partition: TopicPartition, facts: TopicOffsets) -> int:
    """Up to where it can be read now."""
    transaction = facts.transactions.get(partition)
    return facts.logs[partition].end if transaction is None else transaction.stable


def _open(topic: str, facts: TopicOffsets) -> Iterator[Finding]:
    """Transactions that are open for longer than one should be."""
    for partition, found in sorted(facts.transactions.items()):
        if partition.topic != topic:
            continue
        if found.age is not None and found.age < WORTH_A_WORD:
            continue
        since = "" if found.age is None else f" for {span(found.age)}"
        withheld = plural(facts.logs[partition].end - found.stable, "record")
        what = (
            f"{partition}: a producer's transaction is open at the last stable offset {found.stable}{since}: none of "
            f"the {withheld} from there on can be read before it ends."
        )
        if found.age is not None and found.age < HANGING_AFTER:
            yield findings.note(what)
        else:
            yield findings.problem(what, REASONS[Reason.TRANSACTION_HANGING].action, FindingKind.GROUP)


def _unstarted(
    topic: str, logs: Mapping[TopicPartition, LogRange], facts: TopicOffsets, start_from: StartFrom
) -> TopicOutcome:
    """The group has never read this topic: `kafka.start_from` decides."""
    total = sum(log.end - log.first for log in logs.values())
    if start_from is StartPoint.ERROR:
        return TopicOutcome(
            None,
            (
                findings.problem(
                    f"{topic}: the group has no committed offset and kafka.start_from does not say where to begin, so "
                    f"this topic would be held. It has {plural(total, 'record')}.",
                    "set kafka.start_from to earliest (send the whole log), latest (only what comes from now on), a "
                    "time or an age such as 24h",
                    FindingKind.CONFIGURATION,
                ),
            ),
        )
    if start_from is StartPoint.LATEST:
        return TopicOutcome(
            0,
            (
                findings.ok(
                    f"{topic}: new to the group; read from now on ({thousands(total)} records are passed over)."
                ),
            ),
        )
    if start_from is StartPoint.EARLIEST:
        return TopicOutcome(
            total, (findings.ok(f"{topic}: new to the group; read from its beginning, {plural(total, 'record')}."),)
        )
    backlog = sum(max(0, log.end - facts.at_start_time.get(p, log.end)) for p, log in logs.items())
    return TopicOutcome(
        backlog,
        (findings.ok(f"{topic}: new to the group; kafka.start_from leaves {plural(backlog, 'record')} to read."),),
    )


def _outside(partition: TopicPartition, position: int, log: LogRange) -> Finding:
    if position < log.first:
        what = (
            f"{partition}: the committed offset {position} is below the log's start {log.first}: up to "
            f"{plural(log.first - position, 'record')} were deleted before they were read. The partition would be held."
        )
    else:
        what = (
            f"{partition}: the committed offset {position} is beyond the log's end {log.end}: the topic was perhaps "
            "recreated. The partition would be held."
        )
    return findings.problem(
        what,
        "decide where to resume and set the committed offset while the bridge is stopped: "
        f"`{command('offsets', 'set', Operand(partition), '--to', 'earliest')}` (or kafka-consumer-groups "
        f"--reset-offsets --topic {partition.topic}:{partition.partition})",
        FindingKind.GROUP,
    )


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
