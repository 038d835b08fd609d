"""Every place of a mapping that reads the value of records of one topic, with its key in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from bridge.config.events.route_section import RouteConfig
from bridge.config.keys.values import PathValue, ValueSpec
from bridge.config.mapping_section import MappingConfig, TopicOverrides
from bridge.config.topics import topic_patterns
from bridge.config.topics.topic_patterns import Reading
from bridge.mapping import globs
from bridge.mapping.expressions.paths import Path
from bridge.mapping.expressions.readers import ValueSpecError
from bridge.mapping.expressions.values import ConditionError, compile_condition, compile_value
from bridge.mapping.settings import pattern_rank

ReadingRole = Literal["type", "user", "company", "time", "id", "name", "metadata", "object", "properties", "condition"]
"""What is made of it. ``object`` becomes metadata as a whole, ``properties`` those of a user or a company."""


_SETTINGS: Final[tuple[tuple[str, ReadingRole], ...]] = (
    ("event_type", "type"),
    ("occurred_at", "time"),
    ("event_id", "id"),
)


@dataclass(frozen=True, slots=True)
class ReadingPlace:
    """One expression."""

    where: str
    """Its key: ``mapping.events.order.completed.metadata.amount``."""
    role: ReadingRole
    paths: tuple[Path, ...]
    """All that it reads of the value."""
    plain: Path | None
    """Where it is a path and nothing more, conversions apart."""
    converts_to: str | None = None
    """``type`` of a conversion."""
    divides: bool = False
    joins: bool = False
    is_default: bool = False
    """Nobody wrote it: what it does not find, something else stands in for."""


def settings_places(config: MappingConfig, topic: str) -> Iterator[ReadingPlace]:
    """What all records of the topic are asked for, whatever their type."""
    name, own = overrides_of(config, topic)
    for key, role in _SETTINGS:
        yield from _setting(config, own, name, key, role)
    if any(route.reads_user_of_mapping for _, _, route in routes_of(config, topic)):
        yield from _setting(config, own, name, "user_id", "user")
    if own is not None and "when" in own.model_fields_set:
        yield from _condition(own.when, f"mapping.per_topic.{name}.when")
    else:
        yield from _condition(config.when, "mapping.when")
    if own is not None and own.common_metadata is not None:
        yield from _metadata(own.common_metadata, f"mapping.per_topic.{name}.common_metadata")
    written = config.common_metadata if "common_metadata" in config.model_fields_set else {}
    yield from _metadata(written, "mapping.common_metadata")


def route_places(where: str, route: RouteConfig) -> Iterator[ReadingPlace]:
    """What one route reads; `where` is its key."""
    if route.event_name is not None and not isinstance(route.event_name, str):
        yield from _value(route.event_name, f"{where}.event_name", "name")
    if route.user_id is not None:
        yield from _value(route.user_id, f"{where}.user_id", "user")
    yield from _condition(route.when, f"{where}.when")
    yield from _metadata(route.metadata, f"{where}.metadata")
    if route.metadata_from is not None:
        yield from _value(route.metadata_from, f"{where}.metadata_from", "object")
    for key, spec in route.profile_values():
        yield from _value(spec, f"{where}.{key}", _role(key))


def _role(key: str) -> ReadingRole:
    """Of a value in what is known of a user or a company."""
    if ".properties." in key:
        return "metadata"
    match key.rpartition(".")[2]:
        case "from":
            return "properties"
        case "id":
            return "company"
    return "user"


def routes_of(config: MappingConfig, topic: str) -> Iterator[tuple[str, str, RouteConfig]]:
    """Key of the rule, key in the file and route of all that records of the topic may come to."""
    _, own = overrides_of(config, topic)
    spec = config.event_type if own is None or own.event_type is None else own.event_type
    for key, rule in config.events.items():
        if rule == "drop" or (spec == "topic" and not _is_for(key, topic)):
            continue
        for place, route in enumerate(rule):
            if route.topics is None or any(_takes(entry, topic) for entry in route.topics):
                yield key, f"mapping.events.{f'{key}[{place}]' if len(rule) > 1 else key}", route


def overrides_of(config: MappingConfig, topic: str) -> tuple[str, TopicOverrides | None]:
    """The entry of `per_topic` for it, with its key."""
    if topic in config.per_topic:
        return topic, config.per_topic[topic]
    for name in sorted(filter(topic_patterns.is_pattern, config.per_topic), key=pattern_rank):
        if _takes(name, topic):
            return name, config.per_topic[name]
    return "", None


def _is_for(key: str, event_type: str) -> bool:
    return bool(globs.compile_glob(key).fullmatch(event_type)) if globs.is_glob(key) else key == event_type


def _takes(entry: str, topic: str) -> bool:
    return topic_patterns.matches(entry, topic, Reading.FROM_BEGINNING)


def _setting(
    config: MappingConfig, own: TopicOverrides | None, name: str, key: str, role: ReadingRole
) -> Iterator[ReadingPlace]:
    spec = None if own is None else getattr(own, key)
    if spec is not None:
        yield from _value(spec, f"mapping.per_topic.{name}.{key}", role)
    else:
        is_default = key not in config.model_fields_set and role in {"time", "id"}
        yield from _value(getattr(config, key), f"mapping.{key}", role, is_default=is_default)


def _metadata(entries: Mapping[str, ValueSpec | Literal[False]], where: str) -> Iterator[ReadingPlace]:
    for key, spec in entries.items():
        if spec is not False:
            yield from _value(spec, f"{where}.{key}", "metadata")


def _value(spec: ValueSpec, where: str, role: ReadingRole, *, is_default: bool = False) -> Iterator[ReadingPlace]:
    try:
        reader = compile_value(spec, "")
    except ValueSpecError:
        return  # said where the mapping is compiled
    if not reader.uses_value or not reader.paths:
        return
    if isinstance(spec, PathValue):
        yield ReadingPlace(
            where,
            role,
            reader.paths,
            reader.path,
            spec.type,
            spec.divide_by is not None,
            spec.join is not None,
            is_default=is_default or spec.default is not None,
        )
    else:
        yield ReadingPlace(where, role, reader.paths, reader.path, is_default=is_default)


def _condition(text: str | None, where: str) -> Iterator[ReadingPlace]:
    if text is None:
        return
    try:
        condition = compile_condition(text)
    except ConditionError:
        return
    if condition.paths:
        yield ReadingPlace(where, "condition", condition.paths, None)
