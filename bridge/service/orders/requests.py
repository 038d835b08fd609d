"""Reads what an operator's request says: nothing of it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.errors import Signal
from bridge.formats import offset_map
from bridge.kafka.consumer.assignment.holding import Move
from bridge.model import TopicPartition
from bridge.text.amounts import span

LARGEST: Final = 2**63 - 1
LONGEST_PAUSE: Final = 31 * 86_400
"""Seconds: whoever wants more holds it, and releases it when it is time."""


class ControlRefusal(Signal):
    """The request is not carried out."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def end_of(request: Mapping[str, Any], now: float) -> int:
    """When a pause is to end, in whole Unix seconds."""
    until = request.get("until")
    if type(until) is not int:
        raise ControlRefusal("usage", "until: must be a time in Unix seconds.")
    if until <= now:
        raise ControlRefusal(
            "usage", f"until: was {span(now - until)} ago by the clock of the bridge, so nothing is paused."
        )
    if until > now + LONGEST_PAUSE:
        raise ControlRefusal(
            "usage", f"until: is more than {span(LONGEST_PAUSE)} ahead. What is to rest longer is held, not paused."
        )
    return until


def line(request: Mapping[str, Any], name: str, limit: int) -> str:
    """Text on one line, in at most `limit` bytes."""
    found = request.get(name)
    if not isinstance(found, str) or not found.strip():
        raise ControlRefusal("usage", f"{name}: must not be empty.")
    line = " ".join("".join(each if each.isprintable() else " " for each in found).split())
    if len(line.encode()) > limit:
        raise ControlRefusal("usage", f"{name}: has {len(line.encode())} bytes, and may have {limit}.")
    return line


def moves_of(request: Mapping[str, Any]) -> dict[TopicPartition, Move]:
    """New committed offsets, each with what it was decided by."""
    topic, moves = request.get("topic"), request.get("moves")
    if not isinstance(topic, str) or not isinstance(moves, list) or not moves:
        raise ControlRefusal("usage", "topic and moves: must say what to set.")
    return dict(_move(topic, each) for each in moves)


def _move(topic: str, told: Any) -> tuple[TopicPartition, Move]:
    if not isinstance(told, dict):
        raise ControlRefusal("usage", "moves: each must be an object.")
    partition, expected, offset = told.get("partition"), told.get("expected"), told.get("offset")
    old, new = told.get("expected_map"), told.get("map")
    numbers = [partition, offset, 0 if expected is None else expected]
    if not all(type(each) is int and 0 <= each <= LARGEST for each in numbers):
        raise ControlRefusal("usage", "moves: partition, expected and offset must be offsets.")
    if not isinstance(old, str) or not isinstance(new, str):
        raise ControlRefusal("usage", "moves: expected_map and map must be text.")
    decoded = offset_map.decode(new)
    if new and (decoded is None or decoded.base != offset):
        raise ControlRefusal("usage", "moves: map is no offset map for this offset.")
    return TopicPartition(topic, int(str(partition))), Move(expected, old, int(str(offset)), new)
