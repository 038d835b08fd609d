"""What shows that the mapping does what is meant: its examples, the topics it names, and the newest records."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from logging import Logger

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Area, Finding
from bridge.cli.samples.lint import UNREAD
from bridge.commands import command
from bridge.config.events.example_section import ExampleConfig
from bridge.config.mapping_section import MappingConfig
from bridge.config.sections import Config
from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.exits import FindingKind
from bridge.kafka.admin import sampler
from bridge.kafka.admin.inspection import Inspection
from bridge.lint.subject import LintSamples
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.cautions import cautions, of_examples
from bridge.mapping.review.examples import ExampleResult, run_examples
from bridge.model import Failed, TopicPartition
from bridge.text.amounts import listed, plural, thousands

_NEWEST = 200
"""Records that are looked at, of all partitions together."""


# --- examples ----------------------------------------------------------------------------------------


def examples(mapping: CompiledMapping, given: Sequence[ExampleConfig]) -> list[Finding]:
    """Run them. A bridge starts with examples that fail; but then nobody knows what the mapping is meant to do."""
    if not given:
        what = "The mapping has no examples, so nothing shows that it does what you mean."
        return [findings.note(what, "add mapping.examples")]
    results = run_examples(mapping, given)
    failed = [result for result in results if not result.passed]
    passed = "" if failed else f"{plural(len(results), 'example')} of the mapping, all as expected."
    return [
        *([findings.ok(passed)] if passed else []),
        *(_failure(result) for result in failed),
        *_cautions(mapping, given),
    ]


def _failure(result: ExampleResult) -> Finding:
    first = result.differences[0] if result.differences else "it became something else"
    more = f" (and {plural(len(result.differences) - 1, 'more difference')})" if len(result.differences) > 1 else ""
    to_do = f"correct the mapping or the example; `{command('test')}` shows what each became"
    return findings.warning(f"Example {result.name!r} fails: {first}{more}.", to_do, FindingKind.EXAMPLE)


def _cautions(mapping: CompiledMapping, given: Sequence[ExampleConfig]) -> Iterator[Finding]:
    for example, warnings in zip(given, of_examples(mapping, given), strict=True):
        for each in warnings:
            yield findings.warning(f"Example {example.name!r}: {each.what}", each.to_do)


# --- topics ------------------------------------------------------------------------------------------


def unfit(
    mapping: MappingConfig,
    read: ConsumedTopics,
    existing: Collection[str] | None = None,
    ignored: Callable[[str], bool] = lambda _where: False,
) -> list[Finding]:
    """A warning for each topic of `per_topic` and of routes that fits nothing of what is `read`: a slip in such a name
    leaves the settings or the route under it for no record, without a word.

    Where two patterns meet, only topics can tell: without `existing`, the consumed ones there are, nothing is said of
    them; with it, only of what they alone can tell.
    """
    return [
        _no_topic(where, entry, read, existing)
        for where, entry in _named(mapping)
        if _fits(entry, read, existing) is False and not ignored(where)
    ]


def _named(mapping: MappingConfig) -> Iterator[tuple[str, str]]:
    """Every name or pattern with its key."""
    for entry in mapping.per_topic:
        yield f"mapping.per_topic.{entry}", entry
    for key, rule in mapping.events.items():
        if rule == "drop":
            continue
        for place, route in enumerate(rule):
            name = f"{key}[{place}]" if len(rule) > 1 else key
            for number, entry in enumerate(route.topics or ()):
                yield f"mapping.events.{name}.topics[{number}]", entry


def _fits(entry: str, read: ConsumedTopics, existing: Collection[str] | None) -> bool | None:
    """None where that is for the other look to say."""
    if topic_patterns.is_pattern(entry):
        has_patterns = len(read.names) < len(read.entries)
        by_configuration = _takes_any(entry, read.names) or (None if has_patterns else False)
    else:
        by_configuration = read.takes(entry)
    if existing is None:
        return by_configuration
    if by_configuration is False or entry in read.names:  # a consumed topic that is not there is said as such
        return None
    return _takes_any(entry, existing)


def _takes_any(entry: str, names: Collection[str]) -> bool:
    return any(topic_patterns.matches(entry, name, Reading.FROM_BEGINNING) for name in names)


def _no_topic(where: str, entry: str, read: ConsumedTopics, existing: Collection[str] | None) -> Finding:
    if existing is None:
        consumed = listed(read.entries)
        what = f"{where}: {entry} fits nothing that kafka.topics consumes ({consumed}), so it is for no record."
    else:
        consumed = listed(sorted(existing)) or "none"
        what = f"{where}: {entry} fits no consumed topic there is now ({consumed}), so it is for no record."
    return findings.warning(what, f"correct the name or the pattern, or remove it ({UNREAD})")


# --- the newest records -------------------------------------------------------------------------------


def newest(
    config: Config,
    samples: LintSamples,
    inspection: Inspection,
    sources: Mapping[str, int],
    logger: Logger,
    *,
    patience: float,
) -> list[Area]:
    """None where there is nothing to look at. `sources` are partition counts of the consumed topics; what is read goes
    through the mapping of `samples`, and into these.
    """
    partitions = [TopicPartition(topic, number) for topic, count in sources.items() for number in range(count)]
    wanted = sampler.shares(inspection.logs(partitions), _NEWEST, sampler.End.NEWEST) if partitions else {}
    if not wanted:
        return []
    letters, count = 0, 0
    now = time.time()
    found: list[Finding] = []
    try:
        for record in sampler.read(config.kafka, wanted, logger, silence=patience):
            outcomes = samples.mapping.map_all(record, now)
            samples.add(record, outcomes)
            letters += any(isinstance(outcome, Failed) for outcome in outcomes)
            count += 1
    except sampler.UnreadableTopicError as error:
        found.append(findings.note(f"Not all of the newest records could be looked at: {error}"))
    return [
        Area(
            "Records",
            [
                *_counted(count, letters),
                *found,
                *(findings.warning(each.what, each.to_do) for each in cautions(samples.coverage)),
            ],
        )
    ]


def _counted(count: int, letters: int) -> list[Finding]:
    if not count:
        return []
    looked = f"The newest {plural(count, 'record')} of the consumed topics, through the mapping"
    if not letters:
        return [findings.ok(f"{looked}: none would be a dead letter.")]
    return [
        findings.note(
            f"{looked}: {thousands(letters)} would be a dead letter.", f"`{command('map', '--from-topic')}` says why"
        )
    ]
