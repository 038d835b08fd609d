"""What is expected of one situation: of `/status`, of the alerts, of the dashboard and of the runbook alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.holds import Reason
from bridge.ops.status.headline import ProcessState

HOURS = 2 * 3600 + 600
"""For how long a situation lasts that nobody ends: alerts that take an hour or two have had their time."""


@dataclass(frozen=True, slots=True)
class Row:
    """A panel of the dashboard that shows the situation, and by which legend; `{topic}` is the topic's name."""

    panel: str
    legend: str
    least: float = 1.0
    """The value there, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One row of the table. Sentences are regular expressions that are searched for."""

    name: str
    """That of its driver."""
    title: str
    state: ProcessState
    why: Reason | str
    """The reason that `/status` gives."""
    headline: str
    says: tuple[str, ...] = ()
    """What else its text says."""
    needs_someone: bool = False
    """It does not end by itself."""
    has_since: bool = True
    """It is told since when."""
    has_time: bool = False
    """It is told until when, or when it is tried again."""
    action: str
    """What `/status` tells to do, in part."""
    section: str
    """Heading in docs/runbook.md."""
    cure: str
    """The command, or what else is done, as that section has it."""
    loss: str = "nothing"
    """What is lost, in words, for the table."""
    counts: Mapping[str, object] = field(default_factory=dict)
    """What `/status` counts as lost or left, by path in the document."""
    counts_after: Mapping[str, object] = field(default_factory=dict)
    """The same when all is well again: what cannot be undone is not forgotten."""
    alerts: tuple[str, ...] = ()
    """Those that are sent within half an hour; no other is."""
    inhibited: tuple[str, ...] = ()
    """Those that fire as well, and are not sent because one of these says it better."""
    later: tuple[str, ...] = ()
    """Those that are sent beside them when it has lasted for two hours."""
    over: tuple[str, ...] = ()
    """Those of `alerts` that are over by then."""
    left: tuple[str, ...] = ()
    """Those that are still sent three hours after it was over."""
    lasts: int = HOURS
    """Seconds; less, where it ends by itself."""
    again_every: float = 0.0
    """Seconds after which what was counted is counted again, where that is longer than two scrapes are apart."""
    rows: tuple[Row, ...]
