"""Has the running bridge set committed offsets of partitions that it holds: brokers let nobody else while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.cli import running
from bridge.cli.exits import Misuse, Unreachable
from bridge.commands import command
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.cli.offsets.standing import Change
    from bridge.cli.startup import Start

_SAYS = {
    "moved_meanwhile": "its committed offset changed since it was looked at: nothing was set",
    "unreadable": "its committed offset could not be read: nothing was set",
    "gone": "went to another replica: nothing was set",
    "unconfirmed": f"Kafka has not acknowledged it yet; {command('offsets', 'show')} says what is set",
}


def refuse(start: Start, changes: Sequence[Change], members: str) -> None:
    """Where the running bridge would not set these. `members` says that the group has some, and what follows."""
    try:
        running.ask(start.config, {**_request(changes), "preview": True})
    except Unreachable as nobody:
        raise Misuse(f"{members} Or hold the topic and run this beside the replica that has it: {nobody}") from nobody


def write(start: Start, changes: Sequence[Change]) -> dict[TopicPartition, str]:
    """Have them set; returns what was not, each with why."""
    answer = running.ask(start.config, _request(changes))
    return {
        TopicPartition(answer["topic"], row["partition"]): _SAYS.get(row["outcome"], row["outcome"])
        for row in answer["partitions"]
        if row["outcome"] != "done"
    }


def _request(changes: Sequence[Change]) -> dict[str, Any]:
    from bridge.reprocess.author import author

    return {
        "command": "set",
        "topic": changes[0].standing.partition.topic,
        "moves": [_move(each) for each in changes],
        "by": author("").user,
    }


def _move(change: Change) -> dict[str, Any]:
    committed = change.standing.committed
    return {
        "partition": change.standing.partition.partition,
        "expected": None if committed is None else committed.offset,
        "expected_map": "" if committed is None else committed.metadata,
        "offset": change.offset,
        "map": change.text,
    }
