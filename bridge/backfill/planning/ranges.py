"""Which offsets of a partition are history: a pure decision over what the brokers said.

Neither the imports nor the track requests have an id that the API would tell duplicates by. So the ranges and what the
running bridge delivers must be disjoint, and where that cannot be told, the range is refused. What it delivers begins
where the group began, and has no end: it is whatever is above, delivered already or not.

Where a group began is in no commit. Below one that `plan --cut` made nothing is the bridge's. One with an offset map is
of a bridge at work, which began somewhere below: nobody knows where, unless it is said (--live-since). All others have
no map: a bridge makes them at its first assignment, but also of an offset that Kafka's own tool or `offsets set` put
there after a year of work, and where the brokers take no map. So what is below them may be the bridge's, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.backfill.manifest import PlannedRange
from bridge.backfill.planning.bounds import Bound, LogBound, OffsetsAtTimes, TimeBound, said
from bridge.commands import Operand, completed
from bridge.model import LogRange, TopicPartition
from bridge.text.amounts import plural, thousands

_ENDLESS: Final = 2**63 - 1
FIRST_DELIVERED: Final = (
    "the offset, or the time in Kafka, of the first record that it delivered (with start_from: earliest that is the "
    "first there was, and nothing is history)"
)


@dataclass(frozen=True, slots=True)
class PartitionFacts:
    """What the brokers said of one partition."""

    partition: TopicPartition
    log: LogRange
    stable: int
    """Up to where committed records can be read."""
    committed: int | None = None
    """The group's; None where it has none."""
    has_worked: bool = False
    """A bridge at work committed it, so that some of what is below was delivered by it."""
    is_unclear: bool = False
    """Nothing says whether what is below was delivered by a bridge."""
    done: tuple[range, ...] = ()
    """What it has done above the committed offset."""
    topic_started: bool = False
    """The group has a committed offset on some partition of the topic: the others are read from their beginning."""
    held: str | None = None
    """Why a bridge would not read from the committed offset: a sentence."""


@dataclass(frozen=True, slots=True)
class WantedRanges:
    """What was asked for."""

    start: Bound = LogBound.EARLIEST
    end: Bound = LogBound.GROUP
    live_since: Bound | None = None
    """Since when the bridge of this group delivers, where somebody knows that."""
    cut: bool = False
    overlap: bool = False


@dataclass(frozen=True, slots=True)
class RangeDecision:
    """Ranges, in the order in which they are written; or why not."""

    ranges: tuple[PlannedRange, ...]
    cuts: tuple[TopicPartition, ...]
    """Whose committed offset is to be set to the end of their range."""
    refusals: tuple[str, ...]
    notes: tuple[str, ...]


def decide(facts: Sequence[PartitionFacts], wanted: WantedRanges, at_times: OffsetsAtTimes) -> RangeDecision:
    """A range for each partition, an empty one too; or a sentence for each that cannot have one."""
    ranges: list[PlannedRange] = []
    cuts: list[TopicPartition] = []
    refusals: list[str] = []
    notes: list[str] = []
    for each in sorted(facts, key=lambda each: each.partition):
        found = _Deciding(each, wanted, at_times)
        problem = found.problem()
        if problem is not None:
            refusals.append(f"{each.partition}: {problem}")
            continue
        ranges.append(found.planned())
        notes += [f"{each.partition}: {note}" for note in found.notes()]
        if found.is_cut:
            cuts.append(each.partition)
    return RangeDecision(tuple(ranges), tuple(cuts), tuple(refusals), tuple(notes))


class _Deciding:
    """One partition."""

    def __init__(self, facts: PartitionFacts, wanted: WantedRanges, at_times: OffsetsAtTimes) -> None:
        self._facts = facts
        self._wanted = wanted
        self._at_times = at_times
        self.is_cut = wanted.cut and facts.committed is None
        self._end_bound: Bound = LogBound.LATEST if self.is_cut and wanted.end is LogBound.GROUP else wanted.end
        self._start = self._offset(wanted.start)
        self._end = min(self._offset(self._end_bound), facts.stable)

    def _offset(self, bound: Bound) -> int:
        match bound:
            case LogBound.EARLIEST:
                return self._facts.log.first
            case LogBound.LATEST:
                return self._facts.stable
            case LogBound.GROUP:
                return self._facts.log.first if self._facts.committed is None else self._facts.committed
            case TimeBound():
                found = self._at_times[bound].get(self._facts.partition)
                return self._facts.stable if found is None else found
            case _:
                return bound

    def problem(self) -> str | None:
        """Why there is no range, as a sentence."""
        facts, wanted = self._facts, self._wanted
        if facts.has_worked and wanted.live_since is LogBound.GROUP:
            return (
                f"a bridge at work committed offset {facts.committed}, so it may have delivered what is below, and "
                f"--live-since group would say that it has not. Say --live-since with {FIRST_DELIVERED}."
            )
        if facts.held is not None and not wanted.overlap:
            return f"the bridge itself would not read from the group's committed offset. {facts.held}"
        return (
            self._outside()
            or self._undecided()
            or self._backwards()
            or (None if wanted.overlap else self._overlapping())
        )

    def _outside(self) -> str | None:
        """Of offsets that were named, and are not in the log."""
        log, start, end = self._facts.log, self._wanted.start, self._end_bound
        if isinstance(start, int) and start < log.first:
            return (
                f"the range begins at {start}, and the log at {log.first}: {plural(log.first - start, 'offset')} "
                "are gone from Kafka. Begin with --from earliest, and take what is gone from where else it is kept."
            )
        highest = max((each for each in (start, end) if isinstance(each, int)), default=0)
        if highest > log.end:
            return f"offset {highest} is above the log's end {log.end}: there is nothing to read."
        return None

    def _backwards(self) -> str | None:
        """Of a range that would begin above its end: what lies between would be in no range, nor the bridge's.

        From the log's start on there is nothing between: what is below is gone.
        """
        wanted, facts = self._wanted, self._facts
        if self._start <= self._end or wanted.start is LogBound.EARLIEST:
            return None
        open_ = f"; a transaction is open at offset {facts.stable}" if self._end == facts.stable < facts.log.end else ""
        return (
            f"the range begins at {self._start}, above its end {self._end} (from {said(wanted.start)} to "
            f"{said(self._end_bound)}{open_}). Give --from a place that is not behind the end."
        )

    def _undecided(self) -> str | None:
        """Whether it can be said where the running bridge begins."""
        facts, wanted = self._facts, self._wanted
        if self.is_cut and wanted.live_since is not None and not facts.topic_started:
            return completed(
                "the group has no committed offset on the topic, and --live-since says that a bridge of it has "
                "delivered: with --cut it would deliver that again. Set the offset that it had come to, "
                "`track-bridge offsets set PARTITION --to OFFSET`, and leave --cut out; or leave --live-since out "
                "where no bridge has delivered anything.",
                PARTITION=Operand(facts.partition),
            )
        if facts.committed is not None or self.is_cut or (wanted.overlap and wanted.end is not LogBound.GROUP):
            return None
        cut = "Add --cut: it sets the group's committed offset to the range's end, so that the bridge begins there."
        if facts.topic_started:
            return (
                "the group has committed offsets on other partitions of the topic only, so the bridge would read this "
                f"one from its beginning, and deliver what is in the range. {cut}"
            )
        return (
            "the group has no committed offset here, so nothing says where the bridge will begin, and history and live "
            f"events would overlap or leave a gap. {cut}"
        )

    @property
    def _live(self) -> tuple[range, ...]:
        """What the running bridge delivers, or may have delivered."""
        facts = self._facts
        if facts.committed is None:
            return () if self.is_cut else (range(facts.log.first, _ENDLESS),)
        if self._wanted.live_since is not None:
            begins = min(self._offset(self._wanted.live_since), facts.committed)
        else:
            begins = 0 if facts.has_worked or facts.is_unclear else facts.committed
        return (range(begins, _ENDLESS),)

    @property
    def _overlap(self) -> int:
        return sum(max(0, min(each.stop, self._end) - max(each.start, self._start)) for each in self._live)

    def _overlapping(self) -> str | None:
        count, committed = self._overlap, self._facts.committed
        if not count or committed is None:
            return None
        twice = "Each would be there twice, and nothing removes it. --overlap takes them all the same, and counts them."
        above = max(0, self._end - max(self._start, committed))
        done = sum(max(0, min(each.stop, self._end) - max(each.start, self._start)) for each in self._facts.done)
        if above:
            known = f" ({thousands(done)} of them are done already)" if done else ""
            return (
                f"the range {self._start} to {self._end} reaches above the group's committed offset {committed}: the "
                f"running bridge delivers {plural(above, 'offset')} of it{known}. End it with --until group "
                f"(here that is --to {committed}). {twice}"
            )
        if self._wanted.live_since is not None:
            return (
                f"the range {self._start} to {self._end} reaches into what the bridge has delivered since "
                f"{said(self._wanted.live_since)}: {plural(count, 'offset')}. Leave --to out: it ends there. {twice}"
            )
        among = f"up to {plural(count, 'offset')} of the range {self._start} to {self._end} may be among them."
        if self._facts.has_worked:
            return (
                f"a bridge of the group has delivered up to offset {committed}, and nothing in Kafka says since which: "
                f"{among} Say it with --live-since: {FIRST_DELIVERED}. {twice}"
            )
        return (
            f"nothing in Kafka says whether a bridge of the group has delivered what is below its committed offset "
            f"{committed} (set from outside, or by a bridge that began here, or the brokers take no offset map): "
            f"{among} Where it has, say since when with --live-since: {FIRST_DELIVERED}. Where nothing below is the "
            f"bridge's, say --live-since group. {twice}"
        )

    def planned(self) -> PlannedRange:
        """The range, where there is no problem."""
        facts, end = self._facts, max(self._start, self._end)
        start = min(self._start, end)
        chosen = f"from {said(self._wanted.start)} to {said(self._end_bound)}"
        if self.is_cut:
            chosen += ", where the group was made to begin"
        topic, partition = facts.partition
        return PlannedRange(topic, partition, start, end, chosen, overlap=self._overlap)

    def notes(self) -> list[str]:
        """What a reader of the plan should know, each the end of a sentence."""
        facts, found = self._facts, []
        asked = self._offset(self._end_bound)
        if facts.stable < asked or (facts.stable < facts.log.end and self._end_bound is LogBound.LATEST):
            found.append(
                f"a transaction is open at offset {facts.stable}, so the range ends there; what is behind it can be "
                "read when the transaction has ended."
            )
        begins = self._live[0].start if self._live else None
        if begins is not None and begins > self._end and self._live[0].start != 0:
            end = max(self._start, self._end)
            offsets = plural(max(0, begins - end), "offset")
            found.append(
                f"{offsets} between the range's end {end} and {begins}, where the bridge begins, are in neither."
            )
        if self.is_cut and not isinstance(self._end_bound, LogBound) and max(self._start, self._end) < facts.stable:
            begins_at = max(self._start, self._end)
            waiting = plural(facts.stable - begins_at, "offset")
            found.append(f"the bridge will begin at {begins_at}, and deliver {waiting} dated with the time it does so.")
        if isinstance(self._wanted.start, TimeBound) and self._start == facts.log.first > 0:
            found.append(f"the log begins at offset {facts.log.first}; what was before is gone from Kafka.")
        return found


def uncovered(cuts: Sequence[TopicPartition], everything: Sequence[PartitionFacts]) -> list[str]:
    """Why a cut cannot be made of some partitions only: sentences, by topic; `everything` is of whole topics.

    Where the group has a committed offset on one partition of a topic, a bridge takes the others for added ones, and
    reads them from their beginning.
    """
    cut_topics = {each.topic for each in cuts}
    left = {
        each.partition.topic
        for each in everything
        if each.partition.topic in cut_topics and each.committed is None and each.partition not in cuts
    }
    return [
        f"{topic}: --cut is for all partitions of a topic. Once the group has a committed offset on one, the bridge "
        f"reads the others from their beginning. Name the topic without a partition (--topic {topic})."
        for topic in sorted(left)
    ]
