"""What the mapping shows by itself: its examples, and the topics it names against those that are consumed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.commands import command
from bridge.config.mapping_section import ExampleConfig, MappingConfig
from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.exits import FindingKind
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.cautions import of_examples
from bridge.mapping.review.examples import ExampleResult, run_examples
from bridge.text.amounts import plural

_SHOWN = 10


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


def unfit(mapping: MappingConfig, read: ConsumedTopics, existing: Collection[str] | None = None) -> list[Finding]:
    """A warning for each topic of `per_topic` and of routes that fits nothing of what is `read`: a slip in such a name
    leaves the settings or the route under it for no record, without a word.

    Where two patterns meet, only topics can tell: without `existing`, the consumed ones there are, nothing is said of
    them; with it, only of what they alone can tell.
    """
    return [
        _no_topic(where, entry, read, existing)
        for where, entry in _named(mapping)
        if _fits(entry, read, existing) is False
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
        consumed = _some(read.entries)
        what = f"{where}: {entry} fits nothing that kafka.topics consumes ({consumed}), so it is for no record."
    else:
        consumed = _some(sorted(existing)) or "none"
        what = f"{where}: {entry} fits no consumed topic there is now ({consumed}), so it is for no record."
    return findings.warning(what, "correct the name or the pattern, or remove it")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
