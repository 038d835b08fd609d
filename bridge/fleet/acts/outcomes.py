"""What becomes of each partition that an act is about, put together from what the replicas say: values, pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


class Fate(enum.StrEnum):
    """Of one partition. All but the last two are what a replica says: see `service.orders.control`."""

    READY = "ready"
    """Would be done: only a preview says so."""
    DONE = "done"
    NOT_KEPT = "not_kept"
    UNCONFIRMED = "unconfirmed"
    GONE = "gone"
    NOT_HELD = "not_held"
    REFUSED = "refused"
    MOVED_MEANWHILE = "moved_meanwhile"
    UNREADABLE = "unreadable"
    ELSEWHERE = "elsewhere"
    """No replica that was asked has it, and all answered."""
    NOT_REACHED = "not_reached"
    """No replica that answered has it, and not all answered."""


SAYS: Final[Mapping[str, str]] = {
    Fate.NOT_KEPT: "held, but only as long as this process lives: there is no committed offset that could carry the "
    "hold, or the brokers allow no metadata with it (offset.metadata.max.bytes)",
    Fate.UNCONFIRMED: "as asked in this process, but Kafka has not acknowledged it yet",
    Fate.GONE: "went to another replica meanwhile: run the command again",
    Fate.NOT_HELD: "is not held",
    Fate.MOVED_MEANWHILE: "its committed offset changed since it was looked at: nothing was set",
    Fate.UNREADABLE: "its committed offset could not be read: nothing was set",
}
"""What is to be said of a partition beside its name; of the others there is nothing, or a detail."""


@dataclass(frozen=True, slots=True)
class PartitionFate:
    """One partition of the act's topic."""

    partition: int
    fate: Fate
    replica: str | None = None
    """Address of the replica that has it, as far as one says so."""
    detail: str = ""
    """Why, as a sentence or the end of one."""
    owner: str | None = None
    """Who the replicas say has it, of those that none of them has."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A replica that did not do its part."""

    replica: str
    why: str
    may_be_done: bool = False
    """It was asked, and its answer did not come."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one replica answered."""

    replica: str
    rows: Sequence[Mapping[str, Any]] = ()
    gates: tuple[str, ...] = ()
    """What holds all sending there, which no release ends."""


@dataclass(frozen=True, slots=True)
class ActReport:
    """Of the whole group: each partition once, in order, and who did not answer."""

    topic: str
    partitions: tuple[PartitionFate, ...]
    silent: tuple[Silent, ...] = ()
    gates: tuple[str, ...] = ()

    def with_fate(self, *fates: Fate) -> tuple[PartitionFate, ...]:
        """Those of which this became."""
        return tuple(each for each in self.partitions if each.fate in fates)

    @property
    def is_complete(self) -> bool:
        """Whether all of it is done, or would be."""
        whole = {Fate.DONE, Fate.READY}
        return bool(self.partitions) and all(each.fate in whole for each in self.partitions)


class ActPreview(ActReport):
    """What an act would do: `Fate.READY`, and what it would not."""

    __slots__ = ()


class ActOutcome(ActReport):
    """What it did."""

    __slots__ = ()


def merged(answers: Iterable[Said], silent: Sequence[Silent]) -> dict[int, PartitionFate]:
    """By partition: what the replica says that has it; where none has, that, or that some did not answer."""
    found: dict[int, PartitionFate] = {}
    for answer in answers:
        for row in answer.rows:
            fate = _of(row, answer.replica)
            known = found.get(fate.partition)
            if known is None or (known.fate is Fate.ELSEWHERE and (fate.fate is not Fate.ELSEWHERE or fate.owner)):
                found[fate.partition] = fate
    if silent:
        why = "; ".join(each.why if each.replica in each.why else f"{each.replica}: {each.why}" for each in silent)
        for number, each in found.items():
            if each.fate is Fate.ELSEWHERE:
                found[number] = PartitionFate(number, Fate.NOT_REACHED, None, why, each.owner)
    return found


def _of(row: Mapping[str, Any], replica: str) -> PartitionFate:
    outcome = row["outcome"]
    fate = Fate.READY if outcome is None else Fate(outcome)
    owner = row.get("owner")
    detail = str(row.get("detail") or "")
    if fate is Fate.ELSEWHERE:
        return PartitionFate(row["partition"], fate, None, detail, None if owner is None else str(owner))
    return PartitionFate(row["partition"], fate, replica, detail)


def in_order(found: Mapping[int, PartitionFate]) -> tuple[PartitionFate, ...]:
    """By their numbers."""
    return tuple(found[number] for number in sorted(found))
