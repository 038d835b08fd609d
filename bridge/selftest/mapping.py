"""The user's mapping as the self-test runs it: the same rules over topics of other names, and a mark on each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.config.keys.section import Section
from bridge.config.mapping_section import MappingConfig, RouteConfig
from bridge.config.topics import topic_patterns
from bridge.mapping.settings import pattern_rank

MARK: Final = "bridge-selftest-id"
"""A header of every record, unique, and a metadata key of every event: no two requests are alike."""
_OF_THE_ENVELOPE: Final = ("event_type", "user_id", "occurred_at", "event_id")


def document(mapping: MappingConfig, names: Mapping[str, str]) -> dict[str, Any]:
    """The section to be written to a file. `names`: each topic's own name, and the name it has in the self-test.

    Limits of age are lifted, since examples are old, and samples, since it is about all users; the rest stays.
    """
    base = _plain(mapping, without=("examples", "events", "per_topic", "max_age"))
    base["common_metadata"] = {**base.get("common_metadata", {}), MARK: f"header:{MARK}"}
    base["per_topic"] = {used: topic for own, used in names.items() if (topic := _topic(mapping, own))}
    base["events"] = {
        name: rule if rule == "drop" else [_route(route, names) for route in rule]
        for name, rule in mapping.events.items()
    }
    return base


def _topic(mapping: MappingConfig, own: str) -> dict[str, Any]:
    """The settings of one topic. Where the topic's name is a value, its own name stays that value."""
    overrides = mapping.per_topic.get(own)
    if overrides is None:
        patterns = [name for name in mapping.per_topic if topic_patterns.is_pattern(name)]
        matching = [name for name in sorted(patterns, key=pattern_rank) if _takes(name, own)]
        overrides = mapping.per_topic[matching[0]] if matching else None
    found = _plain(overrides, without=("max_age",)) if overrides is not None else {}
    for key in _OF_THE_ENVELOPE:
        if found.get(key, getattr(mapping, key)) == "topic":
            found[key] = {"value": own}
    return found


def _takes(topic: str, own: str) -> bool:
    """As the mapping reads a name or pattern of its own."""
    return topic_patterns.matches(topic, own, topic_patterns.Reading.FROM_BEGINNING)


def _route(route: RouteConfig, names: Mapping[str, str]) -> dict[str, Any]:
    found = _plain(route, without=("max_age", "topics", "sample"))
    if route.topics is not None:
        limited = [used for own, used in names.items() if any(_takes(topic, own) for topic in route.topics)]
        # A route of topics that are not consumed stays a route of no topic.
        found["topics"] = limited or ["no-topic-of-the-selftest"]
    return found


def _plain(section: Section, without: Sequence[str]) -> dict[str, Any]:
    """What was written of a section, in the words of the file."""
    found = section.model_dump(exclude_unset=True, exclude=set(without))
    if found.get("metadata_limit") is not None:
        found["metadata_limit"] = f"{found['metadata_limit']}B"
    return found
