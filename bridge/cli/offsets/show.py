"""``track-bridge offsets show``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.frame import completion, output, startup
from bridge.cli.frame.help import about
from bridge.errors import Unreachable
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.fleet.acts.offset_planning import Read
    from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets

_HEAD = ("partition", "committed", "log start", "log end", "lag", "done above", "problem")
_NONE = "none"


@about(
    ("One partition", "offsets show shop.orders/3"),
    findings="A bridge would hold a partition: its committed offset is outside its log, or of an earlier topic, or "
    "an operator holds it.",
    unreachable="No Kafka broker answers, or not for every partition.",
)
def show(
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC[/PARTITION]",
            show_default=False,
            autocompletion=completion.topics,
            help="Left out: all consumed topics.",
        ),
    ] = None,
    config: startup.ConfigPath = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Show the group's committed offset of each partition; changes nothing and joins no group.

    The log's end is the last stable offset, up to where records can be read. Done above: what is delivered, left out or
    a dead letter above the committed offset, as the commit's offset map says. Ends with 1 where a bridge would hold a
    partition.
    """
    from bridge.cli.offsets import reading
    from bridge.fleet.acts import offset_planning

    start = startup.load(config, reaches_api=False)
    found = reading.read(start, where)
    if not found.states:
        offset_planning.complete(found)
    if json:
        output.document(_document(start.config.kafka.group_id, found))
    else:
        output.lines(_lines(start.config.kafka.group_id, found))
    if found.unread:
        raise Unreachable(f"Not all was answered: {', '.join(map(str, found.unread))}.")
    return ExitCode.FINDINGS if any(each.problem is not None for each in found.states) else ExitCode.OK


def _lines(group: str, found: Read) -> Iterator[str]:
    if found.group is not None:
        members = plural(len(found.group.members), "member") if found.group.members else "no member"
        yield f"Group {group}: {found.group.state.replace('_', ' ')}, {members}."
    yield from tables.table([_HEAD, *map(_row, found.states)], right=(1, 2, 3, 4, 5))
    for each in found.states:
        if (problem := each.problem) is not None:
            yield problem.detail


def _row(state: PartitionOffsets) -> tuple[str, ...]:
    hold = state.problem
    return (
        str(state.partition),
        _NONE if state.committed is None else str(state.committed.offset),
        str(state.log.first),
        str(state.stable),
        thousands(state.lag),
        thousands(sum(map(len, state.done))),
        "" if hold is None else hold.reason.value,
    )


def _document(group: str, found: Read) -> dict[str, Any]:
    described = found.group
    return {
        "group": group,
        "state": None if described is None else described.state,
        "members": None if described is None else [str(each) for each in described.members],
        "partitions": [_entry(each) for each in found.states],
        "unanswered": [str(each) for each in found.unread],
    }


def _entry(state: PartitionOffsets) -> dict[str, Any]:
    hold = state.problem
    return {
        "topic": state.partition.topic,
        "partition": state.partition.partition,
        "committed": None if state.committed is None else state.committed.offset,
        "log_start": state.log.first,
        "last_stable": state.stable,
        "log_end": state.log.end,
        "lag": state.lag,
        "done_above": [[each.start, each.stop] for each in state.done],
        "problem": None if hold is None else hold.reason.value,
        "detail": None if hold is None else hold.detail,
    }
