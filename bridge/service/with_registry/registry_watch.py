"""Partitions that wait for a schema: shown as held, with the registry's own sentence, and told once in the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bridge.holds import Reason
from bridge.model import TopicPartition
from bridge.ops.log.events import Events
from bridge.ops.snapshot import PartitionHold
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.schema_wait import AwaitedSchema
from bridge.service.event_log import ServiceEventLog
from bridge.service.time import ClockReading

if TYPE_CHECKING:
    from bridge.registry.lookups import LookupTrouble, RegistryLookups

SHOWN_AFTER: Final = 2.0
"""Seconds. Nearly every look-up is over before; a trouble that it met is shown at once."""
UNKNOWN: Final = "unknown"
"""The registry works, and does not know the schema."""
_ACTIONS: Final = {
    "login": "Fix what schema_registry logs in with. Files are read again by themselves; what is changed in"
    " the configuration needs a restart.",
    "tls": "Check the registry's certificate and schema_registry.tls; what is changed in the configuration needs a"
    " restart.",
    "wrong_address": "Correct schema_registry.urls or schema_registry.type, and restart. A registry that answers again"
    " as one is used without a restart.",
    UNKNOWN: "Register the schema, if that was forgotten. If the registry still does not know it after"
    " schema_registry.unknown_id_after, the record becomes a dead letter.",
}
"""By how the look-up ended, where there is something special to do."""
_NEEDS_SOMEONE: Final = ("login", "tls", "wrong_address")


class RegistryWatch:
    """On the loop's thread. `look` several times a second: while nothing waits it costs nothing."""

    def __init__(
        self, dispatcher: Dispatcher, registry: RegistryLookups, event_log: ServiceEventLog, events: Events
    ) -> None:
        self._schemas = dispatcher.schemas
        self._registry = registry
        self._event_log = event_log
        self._events = events
        self._held: set[TopicPartition] = set()
        self._told: set[tuple[TopicPartition, str, int]] = set()
        """Records of which it was said that the registry does not know their schema."""
        self._lost_since: float | None = None
        """Monotonic seconds."""

    def look(self, at: ClockReading) -> None:
        """Show what waits now, and no longer what does not."""
        awaited = self._schemas.awaited()
        if not awaited and not self._held:
            return
        now, troubled, held = at.monotonic, {}, set[TopicPartition]()
        for each in awaited:
            trouble = self._registry.trouble(each.reference)
            if trouble is None and now - each.since < SHOWN_AFTER:
                continue
            held.add(each.partition)
            self._event_log.await_schema(each.partition, hold_of(each, trouble, at))
            if trouble is not None and trouble.kind == UNKNOWN:
                self._tell_unknown(each, trouble)
            elif trouble is not None:
                troubled[each.partition] = trouble.what
        for partition in self._held - held:
            self._event_log.schema_is_known(partition)
        self._held = held
        if not held:
            self._told.clear()
        self._tell_registry(troubled, now)

    def _tell_unknown(self, awaited: AwaitedSchema, trouble: LookupTrouble) -> None:
        key = (awaited.partition, awaited.reference, awaited.offset)
        if key not in self._told:
            self._told.add(key)
            self._events.schema_awaited(
                schema=awaited.reference, detail=trouble.what, partition=awaited.partition, offset=awaited.offset
            )

    def _tell_registry(self, troubled: dict[TopicPartition, str], now: float) -> None:
        if troubled and self._lost_since is None:
            self._lost_since = now
            partitions: Sequence[TopicPartition] = sorted(troubled)
            self._events.schema_registry_lost(detail=troubled[partitions[0]], partitions=partitions)
        elif not troubled and self._lost_since is not None:
            self._events.schema_registry_back(seconds=now - self._lost_since)
            self._lost_since = None


def hold_of(awaited: AwaitedSchema, trouble: LookupTrouble | None, at: ClockReading) -> PartitionHold:
    """What is shown of a partition that waits. The sentence is the same for all that wait for one schema."""
    what = "it is being looked up" if trouble is None else trouble.what
    kind = "" if trouble is None else trouble.kind
    return PartitionHold(
        Reason.SCHEMA_REGISTRY,
        at.past(awaited.since),
        f"The next record names the schema {awaited.reference}, which is not known yet: {what}.",
        None if trouble is None else at.ahead(trouble.next_try),
        needs_someone=kind in _NEEDS_SOMEONE,
        action=_ACTIONS.get(kind, ""),
    )
