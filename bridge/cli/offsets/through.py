"""Has the running bridge set committed offsets of partitions that it holds: brokers let nobody else while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.cli.frame import running
from bridge.errors import Misuse, Unreachable
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bridge.cli.frame.startup import LoadedConfiguration
    from bridge.cli.offsets.offset_change import OffsetChange

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


def refuse(start: LoadedConfiguration, changes: Sequence[OffsetChange], members: str) -> None:
    """Where the running bridge would not set these. `members` says that the group has some, and what follows."""
    try:
        running.ask(start.config, {**_request(changes), "preview": True})
    except (Unreachable, running.SwitchedOffError) as nobody:
        raise Misuse(f"{members} Or hold the topic and run this beside the replica that has it: {nobody}") from nobody


def write(start: LoadedConfiguration, changes: Sequence[OffsetChange]) -> ControlAnswer:
    """Have them set. Raises as `running.ask` does."""
    answer = running.ask(start.config, _request(changes))
    outcomes = {TopicPartition(answer["topic"], row["partition"]): row["outcome"] for row in answer["partitions"]}
    return ControlAnswer(
        {each: _SAYS.get(said, said) for each, said in outcomes.items() if said not in {"done", _UNCONFIRMED}},
        [each for each, said in outcomes.items() if said == _UNCONFIRMED],
    )


def _request(changes: Sequence[OffsetChange]) -> dict[str, Any]:
    from bridge.reprocess.author import author

    return {
        "command": "set",
        "topic": changes[0].before.partition.topic,
        "moves": [_move(each) for each in changes],
        "by": author("").user,
    }


def _move(change: OffsetChange) -> dict[str, Any]:
    committed = change.before.committed
    return {
        "partition": change.before.partition.partition,
        "expected": None if committed is None else committed.offset,
        "expected_map": "" if committed is None else committed.metadata,
        "offset": change.offset,
        "map": change.text,
    }
