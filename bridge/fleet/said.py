"""Reads what replicas say in their `/status`, which may be of another version: what is not there is not said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bridge.model import TopicPartition
from bridge.ops.snapshot import Letters, RecordedLoss, RecordedLosses

if TYPE_CHECKING:
    from bridge.fleet.view import ReplicaView

Document = Mapping[str, Any]


def section(document: Document | None, key: str) -> Document:
    """A map of the document; empty where it has none."""
    found = (document or {}).get(key)
    return found if isinstance(found, Mapping) else {}


def rows(document: Document | None, key: str) -> Sequence[Document]:
    """A list of maps of the document; empty where it has none."""
    found = (document or {}).get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def moment(iso: Any) -> float | None:
    """Unix seconds of a time in the document; None where it says none."""
    try:
        return datetime.fromisoformat(iso).timestamp() if isinstance(iso, str) else None
    except ValueError:
        return None


def number(found: Any) -> float | None:
    """Of what should be one."""
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def whole(found: Any) -> int | None:
    """As `number`, of a count or an offset."""
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def partitions_of(replica: ReplicaView) -> Mapping[TopicPartition, Document]:
    """What it says of each partition it has."""
    found = {}
    for row in rows(replica.document, "partitions"):
        topic, partition = row.get("topic"), whole(row.get("partition"))
        if isinstance(topic, str) and partition is not None:
            found[TopicPartition(topic, partition)] = row
    return found


def in_ranges(ranges: Any) -> Iterator[TopicPartition]:
    """``shop.orders/0-2,5`` as the partitions it stands for: what `group_status.ranges` wrote."""
    for text in ranges if isinstance(ranges, list) else ():
        topic, _, spans = str(text).rpartition("/")
        for span in spans.split(","):
            first, _, last = span.partition("-")
            if first.isdecimal() and (last or first).isdecimal():
                yield from (TopicPartition(topic, each) for each in range(int(first), int(last or first) + 1))


def texts(found: Any) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def letters_of(document: Document) -> Letters | None:
    """The open dead letters that it has counted; None where it has not."""
    found = section(section(document, "dead_letters"), "open")
    counts = found.get("by_reason")
    if not isinstance(counts, Mapping):
        return None
    return Letters(dict(counts), frozenset(texts(found.get("at_least"))), moment(found.get("oldest_at")))


def losses_of(document: Document) -> RecordedLosses | None:
    """What is recorded of the group's losses, as it read them; None where it has not."""
    found = section(section(document, "possible_loss"), "recorded")
    at_most = whole(found.get("records_at_most"))
    if at_most is None:
        return None
    shown = tuple(
        RecordedLoss(
            TopicPartition(str(each.get("topic")), whole(each.get("partition")) or 0),
            whole(each.get("from")) or 0,
            whole(each.get("to")),
            str(each.get("reason")),
            moment(each.get("at")) or 0.0,
        )
        for each in rows(found, "losses")
    )
    problem = found.get("problem")
    return RecordedLosses(
        at_most,
        whole(found.get("of_unknown_number")) or 0,
        moment(found.get("since")),
        shown,
        len(shown) + (whole(found.get("left_out")) or 0),
        problem if isinstance(problem, str) else None,
    )
