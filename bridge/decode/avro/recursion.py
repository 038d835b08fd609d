"""Which records may hold others of their own type, and which of them have no way out of it."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.decode.avro.nodes import AvroArray, AvroMap, AvroNode, AvroSchema, AvroUnion, AvroUse


def endless(schema: AvroSchema) -> str | None:
    """A record of which every value would hold another, without end; None where there is none."""
    ending: set[str] = set()
    waiting = set(schema.records)
    while found := {name for name in waiting if all(_can_end(node, ending) for _, node in schema.records[name].fields)}:
        ending |= found
        waiting -= found
    return min(waiting, default=None)


def _can_end(node: AvroNode, ending: set[str]) -> bool:
    match node:
        case AvroUse(name=name):
            return name in ending
        case AvroUnion(branches=branches):
            return any(_can_end(branch, ending) for branch in branches)
        case _:
            return True  # a list may be empty


def recursive_records(schema: AvroSchema) -> frozenset[str]:
    """Those that may hold values of their own type, however far down."""
    uses = {
        name: frozenset(use for _, node in record.fields for use in _used(node))
        for name, record in schema.records.items()
    }
    # Names whose uses are all known not to lead back are taken away until nothing changes.
    left = dict(uses)
    while free := [name for name, used in left.items() if not used & left.keys()]:
        for name in free:
            del left[name]
    return frozenset(name for name in left if _reaches(name, name, left))


def _reaches(start: str, wanted: str, uses: Mapping[str, frozenset[str]]) -> bool:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for name in uses.get(ahead.pop(), frozenset()):
            if name == wanted:
                return True
            if name not in seen:
                seen.add(name)
                ahead.append(name)
    return False


def _used(node: AvroNode) -> list[str]:
    match node:
        case AvroUse(name=name):
            return [name]
        case AvroArray(items=items) | AvroMap(items=items):
            return _used(items)
        case AvroUnion(branches=branches):
            return [name for branch in branches for name in _used(branch)]
        case _:
            return []
