"""What the keys of `mapping` that say how bytes are read must fulfil together, for all topics and for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.config.events.route_section import RouteConfig
from bridge.config.keys.problems import Problem
from bridge.config.keys.values import PathValue, TemplateValue

_FORMAT: Final = ("decode", "key", "unwrap", "descriptor_set_file", "message_type")
_NEED_SCHEMAS: Final = frozenset({"avro", "protobuf"})
_VALUES: Final = ("event_type", "user_id", "occurred_at", "event_id", "event_name", "metadata_from", "when")
_MAPS: Final = ("common_metadata", "metadata")
_AROUND: Final = re.compile(r"\{\s*outer:")


@dataclass(frozen=True, slots=True)
class _Topics:
    """What holds for all topics, or for those of one entry of `per_topic`."""

    where: str
    written: frozenset[str]
    """Keys that are written there, and not taken over."""
    given: Mapping[str, Any]

    def has(self, key: str, value: str) -> bool:
        return key in self.written and self.given[key] == value


def problems(section: Mapping[str, Any]) -> Iterator[Problem]:
    """What cannot be meant; `section` has the keys that are valid on their own."""
    contradicts = False
    for topics in _topics(section):
        given = topics.given
        if given["decode"] != "cloudevents" or given["unwrap"] in {None, "none"}:
            continue
        if topics.written & {"decode", "unwrap"} and not (contradicts and "unwrap" not in topics.written):
            contradicts = contradicts or topics.where == "mapping"
            yield Problem(
                f"{topics.where}.{'unwrap' if 'unwrap' in topics.written else 'decode'}",
                f"contradicts: unwrap: {given['unwrap']} takes off what is around a value, and decode: cloudevents "
                "takes values that are events as they stand; set unwrap: none, or another decode",
            )
    yield from _around_nothing(section)


def warnings(section: Mapping[str, Any], *, has_registry: bool) -> Iterator[Problem]:
    """What is allowed but worth saying at each start; `section` has the keys that are valid on their own.

    Not refused: the schemas of a try-out may come from the command line.
    """
    every = list(_topics(section))
    for topics in every:
        # What is written for all topics may be there for some.
        alike = every if topics.where == "mapping" else [topics]
        has_set = any(each.given["descriptor_set_file"] is not None for each in alike)
        if not has_registry:
            yield from _without_schemas(topics, has_set=has_set)
        yield from _for_nothing(topics, has_set=has_set, is_read=any(e.given["decode"] == "protobuf" for e in alike))


def _topics(section: Mapping[str, Any]) -> Iterator[_Topics]:
    base = {name: section.get(name) for name in _FORMAT}
    yield _Topics("mapping", frozenset(_FORMAT), base)
    for topic, own in section.get("per_topic", {}).items():
        written = {name: each for name in _FORMAT if (each := getattr(own, name)) is not None}
        yield _Topics(f"mapping.per_topic.{topic}", frozenset(written), {**base, **written})


# --- schemas


def _without_schemas(topics: _Topics, *, has_set: bool) -> Iterator[Problem]:
    nobody = "needs schemas, and nothing says where they are, so"
    if topics.has("decode", "avro"):
        yield Problem(
            f"{topics.where}.decode", f"avro {nobody} every record would be a dead letter; set schema_registry"
        )
    if topics.has("decode", "protobuf") and not has_set:
        yield Problem(
            f"{topics.where}.decode",
            f"protobuf {nobody} every record would be a dead letter; set schema_registry or descriptor_set_file",
        )
    if "key" in topics.written and topics.given["key"] in _NEED_SCHEMAS:
        yield Problem(f"{topics.where}.key", f"{topics.given['key']} {nobody} no key can be read; set schema_registry")


def _for_nothing(topics: _Topics, *, has_set: bool, is_read: bool) -> Iterator[Problem]:
    if "message_type" in topics.written and topics.given["message_type"] is not None and not has_set:
        yield Problem(
            f"{topics.where}.message_type",
            "names a message of descriptor_set_file, which is not set; behind a registry's framing each record names "
            "its own",
        )
    if "descriptor_set_file" in topics.written and topics.given["descriptor_set_file"] is not None and not is_read:
        yield Problem(
            f"{topics.where}.descriptor_set_file",
            f"is for Protobuf, and decode is {topics.given['decode']}; set decode: protobuf",
        )


# --- around elements


def _around_nothing(section: Mapping[str, Any]) -> Iterator[Problem]:
    """`outer:` on topics that are not taken apart. A route is for many topics: one of them is enough."""
    if "each" not in section:
        return  # it has a problem of its own
    base, every = section["each"], section.get("per_topic", {})
    for topic, own in every.items():
        if (own.each if "each" in own.model_fields_set else base) is None:
            yield from _looking_around(own, f"mapping.per_topic.{topic}", own.model_fields_set)
    if base is None and all(own.each is None for own in every.values()):
        yield from _looking_around(section, "mapping", section.keys())
        for key, rule in section.get("events", {}).items():
            for place, route in enumerate(rule if rule != "drop" else ()):
                name = f"{key}[{place}]" if len(rule) > 1 else key
                yield from _looking_around(route, f"mapping.events.{name}", route.model_fields_set)


def _looking_around(given: Any, where: str, written: Any) -> Iterator[Problem]:
    for key, spec in _specs(given, written):
        # A text there is the name itself.
        is_name = isinstance(given, RouteConfig) and key == "event_name" and isinstance(spec, str)
        if not is_name and _looks_around(spec):
            yield Problem(
                f"{where}.{key}", "outer: looks around an element, and each, which takes values apart, is not set there"
            )


def _specs(given: Any, written: Any) -> Iterator[tuple[str, Any]]:
    def of(key: str) -> Any:
        return given[key] if isinstance(given, Mapping) else getattr(given, key)

    for key in _VALUES:
        if key in written:
            yield key, of(key)
    for key in _MAPS:
        if key in written:
            yield from ((f"{key}.{name}", spec) for name, spec in (of(key) or {}).items())
    if isinstance(given, RouteConfig):
        yield from given.profile_values()


def _looks_around(spec: Any) -> bool:
    match spec:
        case str():
            return spec.startswith("outer:")
        case PathValue(path=path):
            return path.startswith("outer:")
        case TemplateValue(template=template):
            return _AROUND.search(template) is not None
    return False
