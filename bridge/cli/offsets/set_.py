"""``track-bridge offsets set``"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.frame import completion, output, startup
from bridge.cli.frame.acting import Group
from bridge.cli.frame.help import about
from bridge.commands import Operand, command
from bridge.errors import Misuse, Unanswered, Unreachable
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.cli.offsets.through import ControlAnswer, SettingBridge
    from bridge.fleet.acts.offset_change import OffsetChange, Target
    from bridge.fleet.acts.offset_planning import Read

COMMAND = "track-bridge offsets set"
_HEAD = ("partition", "committed", "to", "passed", "gone already", "sent again")


@about(
    ("See what resuming at the log's start would pass", "offsets set shop.orders/3 --to earliest --dry-run"),
    ("Do it, although 400 records are gone", "offsets set shop.orders/3 --to earliest --accept-loss 400"),
    unreachable="No Kafka broker answers, or not every offset was set.",
)
def set_offsets(
    where: Annotated[
        str,
        typer.Argument(
            metavar="TOPIC[/PARTITION]",
            autocompletion=completion.topics,
            help="Without a partition: all of the topic.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="OFFSET|earliest|latest|end|TIME",
            autocompletion=completion.offsets("earliest", "latest", "end"),
            show_default=False,
            help="earliest: the log's start; latest: the last stable offset; end: above open transactions, too; "
            "a time: the first record at or after it, such as 2026-01-31T00:00:00Z.",
        ),
    ],
    config: startup.ConfigPath = None,
    accept_loss: Annotated[
        int,
        typer.Option("--accept-loss", metavar="N", min=0, help="Maximum records that are not done and may be passed."),
    ] = 0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Set without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    group: Group = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Set the group's committed offset, as out_of_range needs it: of partitions that are held, or of a stopped group.

    Where the bridge runs it sets the offset itself: run this beside the replica that has the partition, or with
    --group. Shows first what would change. Records that are not done and lie below the new offset are never sent:
    --accept-loss N allows up to N of them. What the commit's offset map says is done above the new offset stays done.
    """
    from bridge.cli.offsets import reading, through
    from bridge.fleet.acts import offset_planning, offset_setting

    target = _target(to)
    start = startup.load(config)
    found = reading.read(start, where)
    changes = offset_planning.changes(found, target, to)
    if not changes:
        return _end(changes, start, as_json=json, was_set=False, why="The committed offset is there already.")
    if not json:
        output.lines(tables.table([_HEAD, *map(_row, changes)], right=(1, 2, 3, 4, 5)))
    _refuse_loss(changes, accept_loss, dry_run=dry_run)
    if dry_run:
        return _end(changes, start, as_json=json, was_set=False, why="Nothing was set (--dry-run).")
    members = offset_setting.members_of(start.config.kafka.group_id, found.group)
    bridge = through.TheGroup(start) if group else through.TheOneHere(start)
    if members is not None:
        bridge.refuse(changes, members)
    question = f"Set the committed offset of {start.config.kafka.group_id} on {plural(len(changes), 'partition')}?"
    if not output.agreed(question, yes=yes, otherwise="add --yes to set it, or --dry-run to only see it"):
        return _end(changes, start, as_json=json, was_set=False, why="Nothing was set.")
    try:
        answer, runs = _set(start, bridge, changes, members)
    except Unanswered as silent:
        raise Unanswered(f"{silent} {_after_silence(start, found, changes)}".strip()) from silent
    done = [each for each in changes if each.before.partition not in answer.refused]
    unrecorded = _record(start, done)
    if answer.refused or answer.unconfirmed:
        raise Unreachable(f"{_unset(answer)} {_said_of(unrecorded)}".strip())
    partitions = plural(len(changes), "partition")
    why = f"Set. Start the bridge: it reads {partitions} from there."
    if runs:
        release = _release(changes, where)
        why = f"Set. The bridge reads {partitions} from there; what an operator holds stays held until `{release}`."
    why = f"{why} {_said_of(unrecorded)}".strip()
    return _end(changes, start, as_json=json, was_set=True, why=why, unrecorded=unrecorded)


def _release(changes: Sequence[OffsetChange], where: str) -> str:
    """Of what was named, and of nothing else that is held."""
    of = changes[0].before.partition
    only = () if where == of.topic else ("--partition", str(of.partition))
    return command("release", Operand(of.topic), *only)


def _target(to: str) -> Target:
    from bridge.fleet.acts import offset_change

    try:
        return offset_change.parse(to)
    except ValueError as problem:
        raise Misuse(f"--to {problem}.") from problem


def _refuse_loss(changes: Sequence[OffsetChange], accepted: int, *, dry_run: bool) -> None:
    from bridge.fleet.acts import offset_setting

    sentence = offset_setting.refused_loss(changes, accepted, lambda passed: f"Add --accept-loss {passed}")
    if sentence is None:
        return
    if dry_run:
        output.to_stderr([sentence])
        return
    raise Misuse(f"{sentence} Nothing was set.")


def _set(
    start: startup.LoadedConfiguration, bridge: SettingBridge, changes: Sequence[OffsetChange], members: str | None
) -> tuple[ControlAnswer, bool]:
    """What became of it, and whether a running bridge did it. Raises `Unanswered` where nobody knows."""
    from bridge.cli.offsets import through
    from bridge.fleet.acts import offset_setting
    from bridge.kafka.admin.offset_writer import GroupHasMembersError

    if members is None:
        kafka = start.config.kafka
        try:
            return through.ControlAnswer(offset_setting.write(kafka, changes, startup.quiet_logger()), ()), False
        except GroupHasMembersError:
            bridge.refuse(changes, offset_setting.members_sentence(kafka.group_id, offset_setting.SOME))
    return bridge.write(changes), True


def _unset(answer: ControlAnswer) -> str:
    refused = "; ".join(f"{partition}: {why}" for partition, why in sorted(answer.refused.items()))
    sentences = [f"Not all was set: {refused}. Run this again."] if refused else []
    if answer.unconfirmed:
        named = ", ".join(map(str, sorted(answer.unconfirmed)))
        sentences.append(
            f"{named}: set in the running bridge, which commits it again until Kafka acknowledges it: "
            f"`{command('offsets', 'show')}` says what is committed."
        )
    return " ".join(sentences)


def _said_of(unrecorded: str | None) -> str:
    from bridge.fleet.acts import offset_setting

    return offset_setting.unrecorded_sentence(unrecorded)


def _after_silence(start: startup.LoadedConfiguration, found: Read, changes: Sequence[OffsetChange]) -> str:
    """Whoever was asked may have set it all the same: what is committed now says so."""
    from bridge.fleet.acts import offset_setting

    done = offset_setting.after_silence(found, changes)
    unrecorded = _record(start, done)
    sentences = []
    if done:
        sentences.append(f"It is set all the same: {', '.join(str(each.before.partition) for each in done)}.")
    open_ = [str(each.before.partition) for each in changes if each.passed and each not in done]
    if open_:
        sentences.append(
            f"Not seen to be set so far: {', '.join(open_)}. Should it be set later, what it passes is recorded "
            "nowhere as lost."
        )
    return " ".join([*sentences, _said_of(unrecorded)]).strip()


def _record(start: startup.LoadedConfiguration, done: Sequence[OffsetChange]) -> str | None:
    """For those who look at logs, and what was passed for every status. Returns why that is not recorded."""
    from bridge.fleet.acts import offset_setting
    from bridge.reprocess.author import author

    _log(done)
    return offset_setting.record(start.config, done, author(COMMAND), startup.quiet_logger())


def _log(changes: Sequence[OffsetChange]) -> None:
    """Who set what, one JSON object a partition on standard error: for whoever keeps a log of that."""
    from datetime import UTC, datetime

    from bridge.decode import exact_json
    from bridge.reprocess.author import author
    from bridge.text import moments
    from bridge.text.printable import printable_json

    by = author(COMMAND)
    now = moments.written(datetime.now(UTC), "seconds")
    for each in changes:
        entry = {"timestamp": now, "level": "info", "event": "position_set", **_entry(each), **by._asdict()}
        sys.stderr.write(printable_json(exact_json.text_of(entry)) + "\n")


def _end(
    changes: Sequence[OffsetChange], start: startup.LoadedConfiguration, *,
    as_json: bool, was_set: bool, why: str, unrecorded: str | None = None,
) -> ExitCode:  # fmt: skip
    group, entries = start.config.kafka.group_id, [_entry(each) for each in changes]
    document = {"group": group, "set": was_set, "partitions": entries, "loss_not_recorded": unrecorded}
    output.result(document, why, as_json=as_json)
    return ExitCode.OK


def _row(each: OffsetChange) -> tuple[str, ...]:
    committed = each.before.committed
    return (
        str(each.before.partition),
        "none" if committed is None else str(committed.offset),
        str(each.offset),
        thousands(each.passed),
        thousands(each.gone),
        thousands(each.repeated),
    )


def _entry(each: OffsetChange) -> dict[str, Any]:
    committed = each.before.committed
    return {
        "topic": each.before.partition.topic,
        "partition": each.before.partition.partition,
        "from": None if committed is None else committed.offset,
        "to": each.offset,
        "passed": each.passed,
        "gone": each.gone,
        "repeated": each.repeated,
    }
