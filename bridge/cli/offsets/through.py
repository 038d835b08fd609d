"""Has the running bridge set committed offsets of partitions that it holds: brokers let nobody else while it runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bridge.cli.frame import acting, running
from bridge.errors import Misuse, Unreachable
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bridge.cli.frame.startup import LoadedConfiguration
    from bridge.fleet.acts import SetOffsetsAct
    from bridge.fleet.acts.offset_change import OffsetChange

_SAYS = {
    "moved_meanwhile": "its committed offset changed since it was looked at: nothing was set",
    "unreadable": "its committed offset could not be read: nothing was set",
    "gone": "went to another replica: nothing was set",
}
_UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    """Of the running bridge."""

    refused: Mapping[TopicPartition, str]
    """What was not set, each with why."""
    unconfirmed: Collection[TopicPartition]
    """What the bridge reads from there on and commits again until Kafka acknowledges it."""


class SettingBridge(Protocol):
    """Who sets offsets while the group has members."""

    def refuse(self, changes: Sequence[OffsetChange], members: str) -> None:
        """Where it would not set these. `members` says that the group has some, and what follows. Raises `Misuse`."""

    def write(self, changes: Sequence[OffsetChange]) -> ControlAnswer:
        """Have them set."""


class TheOneHere:
    """The bridge beside which this runs."""

    def __init__(self, start: LoadedConfiguration) -> None:
        self._start = start

    def refuse(self, changes: Sequence[OffsetChange], members: str) -> None:
        """See `SettingBridge`."""
        try:
            running.ask(self._start.config, {**_request(changes), "preview": True})
        except (Unreachable, running.SwitchedOffError) as nobody:
            raise Misuse(
                f"{members} Or hold the topic and run this beside the replica that has it: {nobody}"
            ) from nobody

    def write(self, changes: Sequence[OffsetChange]) -> ControlAnswer:
        """See `SettingBridge`. Raises as `running.ask` does."""
        answer = running.ask(self._start.config, _request(changes))
        outcomes = {TopicPartition(answer["topic"], row["partition"]): row["outcome"] for row in answer["partitions"]}
        return ControlAnswer(
            {each: _SAYS.get(said, said) for each, said in outcomes.items() if said not in {"done", _UNCONFIRMED}},
            [each for each, said in outcomes.items() if said == _UNCONFIRMED],
        )


class TheGroup:
    """All replicas, each for what it has."""

    def __init__(self, start: LoadedConfiguration) -> None:
        """Raises `Misuse` where the configuration has no token."""
        from bridge.fleet import acts

        self._control = acts.over_network(start.config)

    def refuse(self, changes: Sequence[OffsetChange], members: str) -> None:
        """See `SettingBridge`."""
        preview = asyncio.run(self._control.preview(_act(changes)))
        if not preview.is_complete:
            raise Misuse(" ".join((members, *acting.remarks(preview))))

    def write(self, changes: Sequence[OffsetChange]) -> ControlAnswer:
        """See `SettingBridge`."""
        from bridge.fleet.acts.outcomes import SAYS, Fate
        from bridge.reprocess.author import author

        act = _act(changes)
        outcome = asyncio.run(self._control.carry_out(act, author("").user))
        told = {TopicPartition(act.topic, each.partition): each for each in outcome.partitions}
        return ControlAnswer(
            {
                place: each.detail or SAYS.get(each.fate, each.fate.value)
                for place, each in told.items()
                if each.fate not in (Fate.DONE, Fate.UNCONFIRMED)
            },
            [place for place, each in told.items() if each.fate is Fate.UNCONFIRMED],
        )


def _act(changes: Sequence[OffsetChange]) -> SetOffsetsAct:
    from bridge.fleet.acts import offset_planning

    return offset_planning.act_of(changes)


def _request(changes: Sequence[OffsetChange]) -> dict[str, Any]:
    from bridge.reprocess.author import author

    act = _act(changes)
    return {**act.request(), "topic": act.topic, "by": author("").user}
