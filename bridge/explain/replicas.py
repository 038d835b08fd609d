"""What the `/status` documents of running replicas say of records that wait. Pure: a document may be of any version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bridge.explain.facts import Halt
from bridge.explain.fates import Retrying
from bridge.explain.sources import ReplicasTold
from bridge.model import TopicPartition

Document = Mapping[str, Any]


def told_by(documents: Sequence[Document], silence: str) -> ReplicasTold:
    """`silence` is why nothing is known of partitions that none of them has."""
    halts = {partition: halt for each in documents for partition, halt in _halts(each)}
    return ReplicasTold(halts, retrying_of(documents), silence)


def retrying_of(documents: Sequence[Document]) -> Mapping[tuple[TopicPartition, int, int], Retrying]:
    """Events that are tried again, by partition, offset, and number of the event."""
    return {place: retrying for each in documents for place, retrying in _retrying(each)}


def _halts(document: Document) -> Iterator[tuple[TopicPartition, Halt]]:
    for each in _rows(document.get("partitions")):
        with suppress(KeyError, TypeError, ValueError):
            halt = Halt(
                str(each["why"]),
                str(each.get("detail") or ""),
                _seconds(each.get("since")),
                _seconds(each.get("until")),
                _seconds(each.get("next_try")),
                str(each.get("action") or ""),
                _empty_at(each.get("forecast")),
            )
            yield TopicPartition(str(each["topic"]), int(each["partition"])), halt


def _retrying(document: Document) -> Iterator[tuple[tuple[TopicPartition, int, int], Retrying]]:
    retries = document.get("retries")
    for each in _rows(retries.get("events") if isinstance(retries, Mapping) else None):
        with suppress(KeyError, TypeError, ValueError):
            answer = each.get("last_answer") or {}
            place = (
                TopicPartition(str(each["topic"]), int(each["partition"])),
                int(each["offset"]),
                int(each["output"]),
            )
            yield (
                place,
                Retrying(
                    int(each["attempts"]),
                    answer.get("reason"),
                    answer.get("status"),
                    answer.get("request_id"),
                    each.get("next_attempt"),
                ),
            )


def _rows(found: Any) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _empty_at(forecast: Any) -> float | None:
    return _seconds(forecast.get("empty_at")) if isinstance(forecast, Mapping) else None


def _seconds(text: Any) -> float | None:
    if not isinstance(text, str):
        return None
    with suppress(ValueError):
        return datetime.fromisoformat(text).timestamp()
    return None
