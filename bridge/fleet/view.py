"""The whole group at one moment: what screens, pages and commands show of it. Frozen values, made by `compose`.

Times are Unix seconds, rates requests per second, numbers of records and offsets are counts. An address is that of a
replica's pages, as `host:port` or a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.formats.operator_hold import OperatorHold
from bridge.model import TopicPartition
from bridge.ops.group_view import MemberView, TopicView
from bridge.ops.snapshot import Letters, RecordedLosses
from bridge.ops.status.forecast import Forecast

NOT_TOLD: Final = "unknown"
"""Why a partition waits, or does not, where the replica that has it does not answer."""


@dataclass(frozen=True, slots=True)
class FleetGroup:
    """The consumer group, as its coordinator tells."""

    state: str
    """In small letters: ``stable``, ``empty``, ``preparing_rebalancing``, …"""
    protocol: str
    """``classic``, ``consumer`` or ``unknown``."""
    members: tuple[MemberView, ...]


@dataclass(frozen=True, slots=True)
class ReplicaView:
    """One replica, by its own word."""

    address: str
    """Where it was asked; of a member of the group that no instance answered for, what the group calls it."""
    problem: str | None = None
    """Why it says nothing, or is not counted: a sentence; None: it answered."""
    document: Mapping[str, Any] | None = None
    """Its `/status`; None where there is none that counts."""
    since: float | None = None
    """Since when it says nothing, as far as anybody saw it; None: it answered, or that is not known."""
    other_group: str | None = None
    """The group that it belongs to, where that is another one than was asked for."""
    is_member: bool = False
    """Only the group knows of it: no instance that was asked is this one."""

    @property
    def version(self) -> str | None:
        """Of the program; None: not told."""
        return self._text("version")

    @property
    def state(self) -> str | None:
        """One of `ops.status.headline.ProcessState`'s; None: not told."""
        return self._text("state")

    @property
    def sentence(self) -> str:
        """How it is, or why it does not say."""
        return self._text("sentence") or self.problem or ""

    @property
    def name(self) -> str:
        """Short, for a column: the host of its address."""
        return self.address.removeprefix("http://").removeprefix("https://").rstrip("/")

    @property
    def configuration(self) -> str | None:
        """Hash of the configuration it runs with; None: not told."""
        return self._loaded("hash")

    @property
    def mapping(self) -> str | None:
        """The number of the mapping it works by, nine digits; None: not told."""
        return self._loaded("mapping") or _text_of((self.document or {}).get("group_view"), "mapping")

    def _text(self, key: str) -> str | None:
        return _text_of(self.document, key)

    def _loaded(self, key: str) -> str | None:
        return _text_of((self.document or {}).get("configuration"), key)


def _text_of(section: Any, key: str) -> str | None:
    found = section.get(key) if isinstance(section, Mapping) else None
    return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class FleetPartition:
    """One partition of a configured topic, whoever has it."""

    partition: TopicPartition
    owner: str | None = None
    """The member of the group that has it; None: nobody has, or it is not known who."""
    is_owned: bool | None = None
    """None: not known, as between two assignments."""
    replica: str | None = None
    """Address of the replica that says it has it."""
    committed: int | None = None
    """Offset; None: nothing is committed, or it is not known."""
    start: int | None = None
    """First offset of the log."""
    end: int | None = None
    """Up to where it can be read."""
    lag: int | None = None
    """Records between the committed offset and the log's end, also those that are done above an open one."""
    why: str = NOT_TOLD
    """Why it does not move, or that it does: a name of `holds.SHOWN`, ``unowned``, or `NOT_TOLD`."""
    since: float | None = None
    until: float | None = None
    """When it goes on by itself, where that is known."""
    next_try: float | None = None
    detail: str = ""
    """The same as a sentence."""
    action: str = ""
    """What to do; empty: nothing."""
    oldest_at: float | None = None
    """When the record at its position was written."""
    hold: OperatorHold | None = None
    """An operator's, as it is kept with the committed offset."""
    forecast: Forecast | None = None
    undone: int | None = None
    """Records that are not done, as far as the replica or the commit tells; None: nothing does."""

    @property
    def waiting(self) -> int | None:
        """Records that wait: the lag without what is done already; None: not known."""
        return self.lag if self.undone is None else self.undone


@dataclass(frozen=True, slots=True)
class FleetBudget:
    """What one kind of request may use, and who uses it."""

    kind: str
    """See `model.RequestKind.name`."""
    limit: float | None
    """Requests per second of the whole group; None: unlimited."""
    used_last_minute: int | None
    """Requests that the replicas which answered started in the last 60 s; None: none of them says."""
    shares: tuple[tuple[str, float | None], ...] = ()
    """Of each replica that answered: its address, and what it may use now; None: unlimited."""


@dataclass(frozen=True, slots=True)
class ReplayView:
    """A replay of dead letters that takes part in the budget now."""

    who: str
    since: float | None
    """When it declared itself last."""
    share: float | None
    """Requests per second that it asks for; None: not known."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FleetConcern:
    """What is not as it should be, of all the partitions, topics and replicas that share it."""

    reason: str
    """As `/status` calls it, or one of `concerns.OTHERS` of this room."""
    needs_someone: bool
    since: float | None = None
    until: float | None = None
    """When it ends by itself."""
    next_try: float | None = None
    details: tuple[str, ...] = ()
    """A sentence on each different case, a few at most."""
    action: str = ""
    """What to do; empty: nothing."""
    partitions: tuple[TopicPartition, ...] = ()
    topics: tuple[str, ...] = ()
    replicas: tuple[str, ...] = ()
    """Addresses of those that say so, or that it is said of."""
    left_out: int = 0
    """Further cases that are not told."""


@dataclass(frozen=True, slots=True)
class FleetView:
    """Everything, at one moment."""

    at: float
    group_id: str
    kafka_problem: str | None = None
    """Why Kafka could not be looked at, or not at all of it: a sentence."""
    group: FleetGroup | None = None
    """None: the coordinator was not heard."""
    replicas: tuple[ReplicaView, ...] = ()
    topics: tuple[TopicView, ...] = ()
    """Every configured topic, patterns replaced by what they match."""
    partitions: tuple[FleetPartition, ...] = ()
    budgets: tuple[FleetBudget, ...] = ()
    """Of each kind of request that a replica tells of."""
    replays: tuple[ReplayView, ...] = ()
    letters: Letters | None = None
    """Dead letters that nobody has settled; None: not counted."""
    letters_problem: str | None = None
    """Why they are not counted: a sentence."""
    losses: RecordedLosses | None = None
    """What is recorded of the group's losses; None: not read."""
    concerns: tuple[FleetConcern, ...] = ()
    """What needs someone first, then what ends by itself; each told once."""
    forecast: Forecast | None = None
    """Of all partitions together; None: nothing can be said."""
    group_problem: str | None = None
    """Why `group` is not known: a sentence."""
    is_kafka_away: bool = False
    """Nobody reaches Kafka: numbers are those of the last time that somebody did."""
