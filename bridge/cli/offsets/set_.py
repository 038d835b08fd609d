"""``bridge offsets set``"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.frame import output, startup
from bridge.cli.frame.acting import Group
from bridge.cli.frame.help import about
from bridge.commands import Operand, command
from bridge.errors import Misuse, Unanswered, Unreachable
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import listed, plural, thousands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.cli.offsets.through import ControlAnswer, SettingBridge
    from bridge.fleet.acts.offset_change import OffsetChange, Target
    from bridge.fleet.acts.offset_planning import Read
    from bridge.formats.losses import Lost
    from bridge.kafka.admin.group_description import GroupDescription
    from bridge.model import TopicPartition

COMMAND = "bridge offsets set"
_HEAD = ("partition", "committed", "to", "passed", "gone already", "sent again")
_MEMBERS_NAMED = 3


@about(
    ("See what resuming at the log's start would pass", "offsets set shop.orders/3 --to earliest --dry-run"),
    ("Do it, although 400 records are gone", "offsets set shop.orders/3 --to earliest --accept-loss 400"),
    unreachable="No Kafka broker answers, or not every offset was set.",
)
def set_offsets(
    where: Annotated[str, typer.Argument(metavar="TOPIC[/PARTITION]", help="Without a partition: all of the topic.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="OFFSET|earliest|latest|end|TIME",
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
    from bridge.fleet.acts import offset_planning

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
    members = _members_of(start.config.kafka.group_id, found.group)
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
    passed, gone = sum(each.passed for each in changes), sum(each.gone for each in changes)
    if passed <= accepted:
        return
    already = f" {thousands(gone)} of them are gone from the log already, whatever is set." if gone else ""
    sentence = (
        f"This passes up to {plural(passed, 'record')} that {'is' if passed == 1 else 'are'} not done: the "
        f"bridge would never send them.{already} Add --accept-loss {passed} if that is meant. Those that are still "
        f"somewhere else can be sent with `{command('send', '--file', 'FILE')}`."
    )
    if dry_run:
        sys.stderr.write(f"{sentence}\n")
        return
    raise Misuse(f"{sentence} Nothing was set.")


def _members_of(group: str, described: GroupDescription | None) -> str | None:
    """The sentence about them; None where there are none."""
    if described is None or not described.members:
        return None  # Where the brokers do not say who is there, they still refuse: see `offset_writer`.
    return _members(group, listed(described.members, _MEMBERS_NAMED))


def _members(group: str, named: str) -> str:
    return (
        f"The group {group} has members ({named}). Brokers let its committed offset be set only while it has none, or "
        "by the member that has the partition. Nothing was set. Stop every replica, run this again, and start them. A "
        "member that was killed, or has a group.instance.id, counts until its session.timeout.ms is over."
    )


def _set(
    start: startup.LoadedConfiguration, bridge: SettingBridge, changes: Sequence[OffsetChange], members: str | None
) -> tuple[ControlAnswer, bool]:
    """What became of it, and whether a running bridge did it. Raises `Unanswered` where nobody knows."""
    from bridge.cli.offsets import through
    from bridge.kafka.admin.offset_writer import GroupHasMembersError

    if members is None:
        try:
            return through.ControlAnswer(_write(start, changes), ()), False
        except GroupHasMembersError:
            members = _members(start.config.kafka.group_id, "one joined just now, or the brokers do not say which")
            bridge.refuse(changes, members)
    return bridge.write(changes), True


def _write(start: startup.LoadedConfiguration, changes: Sequence[OffsetChange]) -> dict[TopicPartition, str]:
    from bridge.kafka.admin import offset_writer
    from bridge.text.printable import printable

    kafka = start.config.kafka
    positions = {each.before.partition: (each.offset, each.committed_text) for each in changes}
    try:
        refused = offset_writer.write(kafka, positions, startup.quiet_logger())
    except offset_writer.NotAllowedError as error:
        raise Misuse(
            f"This user may not commit for the group {kafka.group_id} ({error}). Nothing was set. Grant it READ on the "
            "group and on the topic."
        ) from error
    except OSError as error:
        raise Unanswered(
            f"No coordinator of the group {kafka.group_id} confirmed it ({printable(str(error))}). "
            f"`{command('offsets', 'show')}` says what is set; run this again."
        ) from error
    return {partition: printable(why) for partition, why in refused.items()}


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
    if unrecorded is None:
        return ""
    return f"What was passed is not recorded, so no status will show it as lost: {unrecorded}"


def _after_silence(start: startup.LoadedConfiguration, found: Read, changes: Sequence[OffsetChange]) -> str:
    """Whoever was asked may have set it all the same: what is committed now says so."""
    before = {each.before.partition: each.before.committed for each in changes}
    now = found.inspection.commits(list(before))
    done = [
        each
        for each in changes
        if (committed := now.get(each.before.partition)) is not None
        and committed.offset == each.offset
        and committed != before[each.before.partition]
    ]
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
    _log(done)
    return _record_lost(start, [each.lost for each in done if each.lost is not None])


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


def _record_lost(start: startup.LoadedConfiguration, lost: Sequence[Lost]) -> str | None:
    """What was passed is lost from now on, and every replica says so. Returns why it is not recorded."""
    if not lost:
        return None
    import time

    from bridge.kafka.client import ClientRefusedError
    from bridge.kafka.letters.letter_log import LetterLog, LetterLogError
    from bridge.reprocess.author import author
    from bridge.reprocess.losses import LossWriter

    config, logger = start.config, startup.quiet_logger()
    try:
        extent = LetterLog(config.kafka, config.dead_letter.topic, logger).extent()
        writer = LossWriter(config, logger, author(COMMAND))
        _, problem = writer.write(lost, len(extent.resolutions), time.time())
    except (LetterLogError, ClientRefusedError) as error:
        return str(error)
    return problem


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
