"""Setting the group's committed offset: what is refused, who sets it, and what is recorded as lost; for command line,
`track-bridge top` and console alike.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bridge.commands import command
from bridge.config.sections import Config, Kafka
from bridge.errors import Misuse, Unanswered, Unreachable
from bridge.fleet.acts import FleetControl, offset_planning
from bridge.fleet.acts.offset_change import OffsetChange, parse
from bridge.fleet.acts.offset_planning import Read
from bridge.fleet.acts.outcomes import SAYS, ActReport, Fate
from bridge.formats.losses import Lost
from bridge.formats.resolutions import Author
from bridge.kafka.admin import offset_writer
from bridge.kafka.admin.group_description import GroupDescription
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError
from bridge.kafka.client import ClientRefusedError
from bridge.kafka.letters.letter_log import LetterLog, LetterLogError
from bridge.model import TopicPartition
from bridge.reprocess.losses import LossWriter
from bridge.text.amounts import listed, plural, thousands
from bridge.text.printable import printable

_MEMBERS_NAMED: Final = 3
_PATIENCE: Final = 5.0
"""Seconds the brokers may take for a question."""
SOME: Final = "one joined just now, or the brokers do not say which"
"""In place of the members' names."""


# --- sentences -----------------------------------------------------------------------------------------


def refused_loss(changes: Sequence[OffsetChange], accepted: int, accept: Callable[[int], str]) -> str | None:
    """Why it is not set: more is passed than was accepted. `accept` says how so many are, as a sentence's beginning."""
    passed, gone = sum(each.passed for each in changes), sum(each.gone for each in changes)
    if passed <= accepted:
        return None
    already = f" {thousands(gone)} of them are gone from the log already, whatever is set." if gone else ""
    return (
        f"This passes up to {plural(passed, 'record')} that {'is' if passed == 1 else 'are'} not done: the "
        f"bridge would never send them.{already} {accept(passed)} if that is meant. Those that are still "
        f"somewhere else can be sent with `{command('send', '--file', 'FILE')}`."
    )


def members_of(group: str, described: GroupDescription | None) -> str | None:
    """The sentence about them; None where there are none."""
    if described is None or not described.members:
        return None  # Where the brokers do not say who is there, they still refuse: see `offset_writer`.
    return members_sentence(group, listed(described.members, _MEMBERS_NAMED))


def members_sentence(group: str, named: str) -> str:
    """Why a group that has these cannot be set from outside, and what to do."""
    return (
        f"The group {group} has members ({named}). Brokers let its committed offset be set only while it has none, or "
        "by the member that has the partition. Nothing was set. Stop every replica, run this again, and start them. A "
        "member that was killed, or has a group.instance.id, counts until its session.timeout.ms is over."
    )


# --- who sets it, and what is recorded -----------------------------------------------------------------


def write(kafka: Kafka, changes: Sequence[OffsetChange], logger: logging.Logger) -> dict[TopicPartition, str]:
    """Of a group without members; returns what was refused. Blocks.

    Raises `Misuse`, `Unanswered`, `offset_writer.GroupHasMembersError`.
    """
    positions = {each.before.partition: (each.offset, each.committed_text) for each in changes}
    try:
        refused = offset_writer.write(kafka, positions, logger)
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


def record(config: Config, changes: Sequence[OffsetChange], by: Author, logger: logging.Logger) -> str | None:
    """What was passed is lost from now on, and every replica says so. Returns why it is not recorded. Blocks."""
    lost: list[Lost] = [each.lost for each in changes if each.lost is not None]
    if not lost:
        return None
    try:
        extent = LetterLog(config.kafka, config.dead_letter.topic, logger).extent()
        _, problem = LossWriter(config, logger, by).write(lost, len(extent.resolutions), time.time())
    except (LetterLogError, ClientRefusedError) as error:
        return str(error)
    return problem


def unrecorded_sentence(why: str | None) -> str:
    """What follows from that; empty where all is recorded."""
    return "" if why is None else f"What was passed is not recorded, so no status will show it as lost: {why}"


def after_silence(found: Read, changes: Sequence[OffsetChange]) -> list[OffsetChange]:
    """Whoever was asked may have set it all the same: those of which what is committed now says so. Blocks."""
    before = {each.before.partition: each.before.committed for each in changes}
    now = found.inspection.commits(list(before))
    return [
        each
        for each in changes
        if (committed := now.get(each.before.partition)) is not None
        and committed.offset == each.offset
        and committed != before[each.before.partition]
    ]


# --- as screens set it ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlannedOffsets:
    """What setting it would do, looked at."""

    found: Read
    changes: tuple[OffsetChange, ...]
    """Empty: it is there already."""
    members: str | None
    """The sentence on a group that has some; None: it is stopped, and its offset is set from here."""
    report: ActReport | None
    """What the replicas say, where there are members."""
    loss: str | None
    """Why what it passes is too much."""

    @property
    def can_be_done(self) -> bool:
        """Whether there is something to confirm."""
        whole = self.report is not None and self.report.is_complete
        return bool(self.changes) and self.loss is None and (self.members is None or whole)


@dataclass(frozen=True, slots=True)
class SetOffsets:
    """What became of it."""

    done: tuple[OffsetChange, ...]
    refused: tuple[str, ...]
    """Sentences, of what was not set, or not acknowledged."""
    unrecorded: str
    """Empty: what was passed is recorded as lost, if anything was."""
    by_replicas: bool
    """False: the group was stopped."""

    @property
    def remarks(self) -> list[str]:
        """What is to be read beside what is set."""
        held = "The bridge reads it from there; what an operator holds stays held until it is released."
        follows = held if self.by_replicas else "Start the bridge: it reads from there."
        return [*self.refused, *([follows] if self.done else []), *([self.unrecorded] if self.unrecorded else [])]


def told(change: OffsetChange) -> str:
    """What it does to one partition, as a sentence."""
    committed = change.before.committed
    was = "none" if committed is None else str(committed.offset)
    gone = f" ({thousands(change.gone)} gone already)" if change.gone else ""
    return (
        f"{change.before.partition}: {was} to {change.offset}. Passed, never sent: {thousands(change.passed)}{gone}; "
        f"sent again: {thousands(change.repeated)}."
    )


class OffsetBooks(Protocol):
    """What the brokers keep of a group; every method blocks."""

    def read(self, where: str) -> Read:
        """Of ``TOPIC/PARTITION``. Raises `Misuse` and `Unreachable`."""

    def write(self, changes: Sequence[OffsetChange]) -> dict[TopicPartition, str]:
        """As `write`."""

    def record(self, changes: Sequence[OffsetChange], by: Author) -> str | None:
        """As `record`."""


class ClusterBooks:
    """Those of the cluster."""

    def __init__(self, config: Config, logger: logging.Logger) -> None:
        self._config = config
        self._logger = logger

    def read(self, where: str) -> Read:
        """See `OffsetBooks`."""
        kafka = self._config.kafka
        try:
            inspection = Inspection(kafka, self._logger, patience=_PATIENCE)
            return offset_planning.read(kafka, inspection, inspection.connect(), where)
        except NotConnectedError as error:
            raise Unreachable(f"Cannot connect to any broker in {kafka.bootstrap_servers}: {error}.") from error
        except ClientRefusedError as refused:
            raise Misuse(str(refused)) from refused

    def write(self, changes: Sequence[OffsetChange]) -> dict[TopicPartition, str]:
        """See `OffsetBooks`."""
        return write(self._config.kafka, changes, self._logger)

    def record(self, changes: Sequence[OffsetChange], by: Author) -> str | None:
        """See `OffsetBooks`."""
        return record(self._config, changes, by, self._logger)


class OffsetSetting:
    """Of one group. What waits for brokers waits on a thread; all methods belong to one event loop."""

    def __init__(self, group_id: str, control: FleetControl, books: OffsetBooks) -> None:
        self._group_id = group_id
        self._control = control
        self._books = books

    async def look(self, where: str, to: str, accepted: int, accept: Callable[[int], str]) -> PlannedOffsets:
        """What setting ``TOPIC/PARTITION`` to what `parse` takes would do. Raises `Misuse` and `Unreachable`."""
        try:
            target = parse(to)
        except ValueError as problem:
            raise Misuse(f"To {problem}.") from problem

        def asked() -> tuple[Read, list[OffsetChange]]:
            found = self._books.read(where)
            return found, offset_planning.changes(found, target, to)

        found, changes = await asyncio.to_thread(asked)
        loss = refused_loss(changes, accepted, accept)
        members = members_of(self._group_id, found.group)
        report = None
        if members is not None and changes:
            report = await self._control.preview(offset_planning.act_of(changes))
        return PlannedOffsets(found, tuple(changes), members, report, loss)

    async def carry_out(self, planned: PlannedOffsets, by: Author, reason: str) -> SetOffsets:
        """Set what was looked at; what it passes is recorded as lost. `reason` is for the log of the replicas.

        Raises `Misuse`, `Unanswered`, `Unreachable`.
        """
        changes = planned.changes
        if planned.members is not None:
            outcome = await self._control.carry_out(offset_planning.act_of(changes, reason), by.user)
            fates = {each.partition: each for each in outcome.partitions}
            refused = {
                each.before.partition: fate.detail or SAYS.get(fate.fate, fate.fate.value)
                for each in changes
                if (fate := fates.get(each.before.partition.partition)) is not None and fate.fate is not Fate.DONE
            }
            missing = {each.before.partition: "no replica did it" for each in changes} if not fates else {}
            refused = {**missing, **refused}
        else:
            try:
                refused = await asyncio.to_thread(self._books.write, changes)
            except offset_writer.GroupHasMembersError as joined:
                raise Misuse(f"{members_sentence(self._group_id, SOME)} Look at it again.") from joined
            except Unanswered as silent:
                refused = dict.fromkeys((each.before.partition for each in changes), str(silent))
        done = await asyncio.to_thread(self._done, planned, refused)
        unrecorded = await asyncio.to_thread(self._books.record, done, by)
        told = tuple(
            f"{partition}: {why}"
            for partition, why in refused.items()
            if partition not in {each.before.partition for each in done}
        )
        return SetOffsets(tuple(done), told, unrecorded_sentence(unrecorded), planned.members is not None)

    def _done(self, planned: PlannedOffsets, refused: dict[TopicPartition, str]) -> list[OffsetChange]:
        """What was not refused, and of that what is committed all the same."""
        done = [each for each in planned.changes if each.before.partition not in refused]
        doubtful = [each for each in planned.changes if each.before.partition in refused]
        return [*done, *(after_silence(planned.found, doubtful) if doubtful else ())]
