"""Topics that the mapping names, `per_topic` and `topics` of routes, against those that are consumed: pure.

A name with a slip in it fits nothing, and the settings or the route under it are for no record, without a word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.config import topic_patterns
from bridge.config.mapping_section import MappingConfig

_SHOWN = 10


def unfit(mapping: MappingConfig, entries: Sequence[str], existing: Collection[str] | None = None) -> list[Finding]:
    """A warning for each that fits none of the `entries` of kafka.topics.

    Where two patterns meet, only topics can tell: without `existing`, the consumed ones there are, nothing is said of
    them; with it, only of what they alone can tell.
    """
    return [
        _finding(where, entry, entries, existing)
        for where, entry in _named(mapping)
        if _fits(entry, entries, existing) is False
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


def _fits(entry: str, entries: Sequence[str], existing: Collection[str] | None) -> bool | None:
    """None where that is for the other look to say."""
    names = [each for each in entries if not topic_patterns.is_pattern(each)]
    patterns = [each for each in entries if topic_patterns.is_pattern(each)]
    by_configuration: bool | None
    if topic_patterns.is_pattern(entry):
        by_configuration = any(topic_patterns.matches(entry, name) for name in names) or (None if patterns else False)
    else:
        by_configuration = entry in names or any(topic_patterns.matches(pattern, entry) for pattern in patterns)
    if existing is None:
        return by_configuration
    if by_configuration is False or entry in names:  # a consumed topic that is not there is said as such
        return None
    return any(topic_patterns.matches(entry, name) for name in existing)


def _finding(where: str, entry: str, entries: Sequence[str], existing: Collection[str] | None) -> Finding:
    if existing is None:
        consumed = _some(entries)
        what = f"{where}: {entry} fits nothing that kafka.topics consumes ({consumed}), so it is for no record."
    else:
        consumed = _some(sorted(existing)) or "none"
        what = f"{where}: {entry} fits no consumed topic there is now ({consumed}), so it is for no record."
    return findings.warning(what, "correct the name or the pattern, or remove it")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
