"""What the keys of `mapping` that say how bytes are read must fulfil together, for all topics and for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.config.keys.problems import Problem

_FORMAT: Final = ("decode", "key", "unwrap", "descriptor_set_file", "message_type")
_NEED_SCHEMAS: Final = frozenset({"avro", "protobuf"})


def warnings(section: Mapping[str, Any], *, has_registry: bool) -> Iterator[Problem]:
    """What is allowed but worth saying at each start; `section` has the keys that are valid on their own.

    Not refused: the schemas of a try-out may come from the command line.
    """
    if not has_registry:
        for where, written, given in _formats(section):
            yield from _without_schemas(where, written, given, has_set=_has_set(section, where, given))


def _formats(section: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str], dict[str, Any]]]:
    """Key in the file, what is written there, and what holds there: for all topics, then for each entry of its own."""
    base = {name: section.get(name) for name in _FORMAT}
    yield "mapping", frozenset(_FORMAT), base
    for topic, own in section.get("per_topic", {}).items():
        written = {name: each for name in _FORMAT if (each := getattr(own, name)) is not None}
        yield f"mapping.per_topic.{topic}", frozenset(written), {**base, **written}


def _has_set(section: Mapping[str, Any], where: str, given: Mapping[str, Any]) -> bool:
    """Whether the descriptors are in a file; those of all topics may be in the files of some."""
    topics = section.get("per_topic", {}).values() if where == "mapping" else ()
    return given["descriptor_set_file"] is not None or any(own.descriptor_set_file is not None for own in topics)


def _without_schemas(
    where: str, written: frozenset[str], given: Mapping[str, Any], *, has_set: bool
) -> Iterator[Problem]:
    decode, key = given["decode"], given["key"]
    if "decode" in written and decode in _NEED_SCHEMAS and not (decode == "protobuf" and has_set):
        other = " or descriptor_set_file" if decode == "protobuf" else ""
        yield Problem(
            f"{where}.decode",
            f"{decode} needs schemas, and nothing says where they are, so every record would be a dead letter; set "
            f"schema_registry{other}",
        )
    if "key" in written and key in _NEED_SCHEMAS:
        yield Problem(
            f"{where}.key",
            f"{key} needs schemas, and nothing says where they are, so no key can be read; set schema_registry",
        )
