"""What a proposal consists of: settings with their evidence, routes, and what a sample says of the traffic."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.proposal.documents import SampledTopic
from bridge.proposal.looks import Spec


@dataclass(frozen=True, slots=True)
class ProposedSetting:
    """One key of the mapping, and why it is this."""

    spec: Spec
    evidence: str
    """Half a sentence, without any value of a record."""
    share: float = 1.0
    """Of the events that have it."""
    is_certain: bool = True
    """False: somebody has to look at it."""

    @property
    def text(self) -> str:
        """In one line."""
        if isinstance(self.spec, str):
            return self.spec
        return str(self.spec.get("path", self.spec.get("template", "")))


@dataclass(frozen=True, slots=True)
class ProposedKey:
    """One key of a route's metadata."""

    key: str
    spec: Spec
    fill: str
    """How many of the route's events have it: ``98 %``."""
    why_not: str | None = None
    """Why it is only shown in a comment; None: it is sent."""
    hint: str = ""
    """What else it might be."""

    @property
    def remark(self) -> str:
        """What a file says of it, behind it."""
        return "; ".join(each for each in (self.fill, self.why_not, self.hint) if each)


@dataclass(frozen=True, slots=True)
class ProposedRoute:
    """What becomes of the events of one type."""

    event_type: str
    """The key of the rule: a type or a glob."""
    event_name: str
    """Empty for ``drop``."""
    events: int
    keys: tuple[ProposedKey, ...] = ()
    topics: tuple[str, ...] = ()
    """Only for these; empty: for all."""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ProposedTopic:
    """Everything about one topic."""

    topic: SampledTopic
    event_type: ProposedSetting
    user_id: ProposedSetting
    occurred_at: ProposedSetting
    event_id: ProposedSetting
    routes: tuple[ProposedRoute, ...]
    drops_userless: bool = False
    drops_untyped: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SampledTraffic:
    """How much the sampled records mean."""

    requests: int
    users: int
    per_minute: float | None
    """None: nothing says in which time they came."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """The whole of it."""

    topics: tuple[ProposedTopic, ...]
    traffic: SampledTraffic
