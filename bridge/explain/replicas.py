"""What the running replicas say of records that wait, out of one view of the whole group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from bridge.explain.facts import Halt
from bridge.explain.fates import Retrying
from bridge.explain.sources import ReplicasTold
from bridge.fleet import instances
from bridge.fleet.asking.letter_count import LetterCount
from bridge.fleet.look import FleetLook
from bridge.fleet.opening import FleetTaker
from bridge.fleet.view import NOT_TOLD, FleetPartition, FleetView
from bridge.formats import trace_context
from bridge.model import TopicPartition

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Config
    from bridge.fleet.facts import KafkaFacts

Document = Mapping[str, Any]
_PROBLEMS_TOLD: Final = 2


def told_by(view: FleetView) -> ReplicasTold:
    """Pure. Of a partition that only Kafka speaks of, only what Kafka shows is known."""
    halts = {each.partition: _halt(each) for each in view.partitions if each.why != NOT_TOLD}
    return ReplicasTold(halts, retrying_of([each.document for each in view.replicas if each.document]), _silence(view))


async def ask(config: Config, logger: logging.Logger, named: Sequence[str] = ()) -> ReplicasTold:
    """Looks once. Raises as `fleet.opening.open_fleet` does."""
    look = _LookWithoutLetters(FleetLook(config, logger))
    return told_by(await FleetTaker(config, look, named or instances.configured(config)).take())


class _LookWithoutLetters:
    """Whoever explains has read the dead letters already."""

    def __init__(self, look: FleetLook) -> None:
        self._look = look

    async def look(self) -> KafkaFacts:
        return await self._look.look()

    async def written(self, wanted: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        return await self._look.written(wanted)

    async def letters(self) -> LetterCount:
        return LetterCount()


def _halt(partition: FleetPartition) -> Halt:
    ahead = partition.forecast
    return Halt(
        partition.why,
        partition.detail,
        partition.since,
        partition.until,
        partition.next_try,
        partition.action,
        None if ahead is None else ahead.empty_at,
    )


def _silence(view: FleetView) -> str:
    """Why nothing is known of the others: a sentence; empty where nothing is wrong."""
    problems = [each.problem for each in view.replicas if each.problem is not None]
    if view.kafka_problem is not None:
        problems.insert(0, view.kafka_problem)
    more = f" And {len(problems) - _PROBLEMS_TOLD} more." if len(problems) > _PROBLEMS_TOLD else ""
    return f"{' '.join(problems[:_PROBLEMS_TOLD])}{more}"


def retrying_of(documents: Sequence[Document]) -> Mapping[tuple[TopicPartition, int, int], Retrying]:
    """Events that are tried again, by partition, offset, and number of the event; a document may be of any version."""
    return {place: retrying for each in documents for place, retrying in _retrying(each)}


def _retrying(document: Document) -> Iterator[tuple[tuple[TopicPartition, int, int], Retrying]]:
    retries = document.get("retries")
    for each in _rows(retries.get("events") if isinstance(retries, Mapping) else None):
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            answer = each.get("last_answer") or {}
            partition = TopicPartition(str(each["topic"]), int(each["partition"]))
            trace = trace_context.parse(each.get("trace"))
            yield (
                (partition, int(each["offset"]), int(each["output"])),
                Retrying(
                    int(each["attempts"]),
                    answer.get("reason"),
                    answer.get("status"),
                    answer.get("request_id"),
                    each.get("next_attempt"),
                    None if trace is None else trace.trace,
                ),
            )


def _rows(found: Any) -> list[Document]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
