"""Records on their way in: mapped, counted, and opened where there is something to send or to dead-letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.config.sections import Ordering
from bridge.formats.offset_map import Head
from bridge.model import (
    Disposition,
    Elements,
    Failed,
    Filtered,
    Forget,
    LetterReason,
    Outcome,
    Outcomes,
    Record,
    Request,
    SchemaNeeded,
    Steps,
    output_of,
    route_of,
)
from bridge.pipeline.dispatch.assignments import OpenRecords
from bridge.pipeline.ports import Arrival, Clock, FilteredEarly, Mapper, Oversized
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.tracing import RecordLife
from bridge.pipeline.work import NO_REQUEST, Entry, Fanout, OpenElements, PartitionWork, QueueKey, RecordStep, Work

_FILTERED = Disposition.FILTERED
Enqueue = Callable[[Work, Outcome], None]
Forgetting = Callable[[Record, str], None]


class Admission:
    """Turns records into work. What is filtered completes here and costs no object."""

    __slots__ = (
        "_clock", "_enqueue", "_evidence", "_forget", "_listeners", "_mapper", "_most", "_ordering", "_tally",
    )  # fmt: skip

    def __init__(
        self,
        mapper: Mapper,
        settings: DeliverySettings,
        kept: OpenRecords,
        clock: Clock,
        enqueue: Enqueue,
        forget: Forgetting,
    ) -> None:
        self._mapper = mapper
        self._ordering: Ordering = settings.ordering
        self._most = settings.max_buffered_bytes // 2
        self._tally, self._evidence, self._listeners = kept.tally, kept.evidence, kept.listeners
        self._clock = clock
        self._enqueue = enqueue
        self._forget = forget

    def map_by(self, mapper: Mapper) -> None:
        """Records that come from now on are mapped by this one, whole: `accept` asks one mapper for all it is given."""
        self._mapper = mapper

    def accept(  # noqa: C901, PLR0912, PLR0915 - any part of it elsewhere is a call for each record
        self, partition: PartitionWork, records: Sequence[Arrival], until: float
    ) -> int:
        """Records of one partition, in order; the rest is dropped unread when its topic gets held on the way.

        Returns how many it is through with; none is begun after `until` (monotonic), but one. Where the next one needs
        a schema first, `PartitionWork.needs` says which; where the last one holds many records, it is
        `PartitionWork.opening`.
        """
        tracker = partition.tracker
        wall, now = self._clock.wall(), self._clock.monotonic
        outcomes_of, passed = self._mapper.map, tracker.passed
        tally, topic = self._tally, partition.topic
        came_in = self._listeners.came_in
        life: RecordLife | None = None
        check_done = tracker.restored_until > tracker.next_offset
        resumes = tracker.restored_head.first_attempt_ms
        by_user = self._ordering == "user"
        partition.dirty = True
        before: Outcomes = ()
        alike = through = 0
        for record in records:
            if topic.held:
                through = len(records)
                break
            if type(record) is not Record:
                through += 1
                self._unmapped(partition, record)
                continue
            if now() >= until and through:
                break
            through += 1
            _, _, offset, _, key, value, headers = record  # three names of a named tuple take longer than all in one go
            if check_done and tracker.already_done(offset):
                passed(offset)
                tally.consumed += 1
                tally.already_done += 1
                continue
            outcomes = outcomes_of(record, wall)
            if outcomes is before:
                # A rule hands out one outcome for all records that it filters: a row of them is counted in one go.
                passed(offset)
                alike += 1
                if came_in is not None and (life := came_in(record, outcomes)) is not None:
                    life.done(_FILTERED)
                continue
            tally.consumed += 1
            outcome = outcomes[0]
            if came_in is not None and type(outcome) is not SchemaNeeded:
                life = came_in(record, outcomes)
            if len(outcomes) > 1:
                self._accept_many(partition, record, outcomes, life)
            elif isinstance(outcome, Filtered):
                passed(offset)
                if alike:
                    self._filtered(before, alike)
                before, alike = outcomes, 0
                self._record_filtered(outcome, 1)
                self._event_filtered(outcome, 1)
                if life is not None:
                    life.done(_FILTERED)
            elif type(outcome) is Request and by_user and not (resumes and offset == tracker.start):
                # Nearly every event: what `_work` and `_arrived` do, without the calls.
                size = record.size if headers or value is None else len(value) + (len(key) if key else 0)
                work = Work(partition, record, size, 0, outcome, outcome.user_id)
                if life is not None:
                    work.life = life
                tracker.arrived(offset, work)
                tally.buffered += 1
                tally.buffered_bytes += size
                self._enqueue(work, outcome)
            elif isinstance(outcome, SchemaNeeded):
                tally.consumed -= 1
                through -= 1
                partition.needs = outcome.reference
                break
            elif isinstance(outcome, Elements):
                partition.opening = opening = OpenElements(partition, record, outcome, self._most)
                partition.elements += outcome.count
                opening.life = life
                self._arrived(partition, record, opening)
                break
            elif isinstance(outcome, Forget):
                passed(offset)
                self._forget(record, outcome.user_id)
                self._record_filtered(outcome.filtered, 1)
                self._event_filtered(outcome.filtered, 1)
                if life is not None:
                    life.done(_FILTERED)
            else:
                work = self._work(partition, record, outcome, 0)
                work.life = life
                self._arrived(partition, record, work)
                self._enqueue(work, outcome)
        self._filtered(before, alike)
        return through

    def _unmapped(self, partition: PartitionWork, arrival: Arrival) -> None:
        """What was decided on before it was a whole record."""
        tracker, tally = partition.tracker, self._tally
        if isinstance(arrival, FilteredEarly):
            tracker.passed(arrival.last)
            self._filtered(arrival.outcomes, arrival.records)
        elif isinstance(arrival, Oversized):
            record = arrival.record
            tally.consumed += 1
            if tracker.already_done(record.offset):
                tracker.passed(record.offset)
                tally.already_done += 1
                return
            failed = Failed(LetterReason.TOO_LARGE, _too_large(arrival), value_left_out=arrival.value_bytes)
            work = self._work(partition, record, failed, 0)
            if self._listeners.came_in is not None:
                work.life = self._listeners.came_in(record, (failed,))
            self._arrived(partition, record, work)
            self._enqueue(work, failed)

    def _filtered(self, outcomes: Outcomes, records: int) -> None:
        """So many records more that were filtered as the one before them."""
        if records and isinstance(outcomes[0], Filtered):
            self._tally.consumed += records
            self._record_filtered(outcomes[0], records)
            self._event_filtered(outcomes[0], records)

    def open_next(self, opening: OpenElements) -> None:
        """Open one element more of a record that holds many: it takes as much room as it makes events."""
        partition, record, element = opening.partition, opening.record, opening.next
        if record.offset == partition.tracker.start and (done := self._done_before(opening)) is not None:
            opening.skip(done)
            partition.elements -= opening.next - element
            return
        outcomes = opening.elements.map(element, self._clock.wall()) if opening.elements is not None else ()
        opening.next = element + 1
        if opening.life is not None:
            opening.life.element_mapped(element, outcomes)
        partition.elements -= 1
        resumes = record.offset == partition.tracker.start and not opening.resumed
        share = max(1, opening.raw // opening.count)
        works = []
        for route, outcome in enumerate(outcomes):
            filtered = self._filtered_by(opening.record, outcome)
            if filtered is not None:
                opening.first_filtered = opening.first_filtered or filtered
                continue
            work = self._work(partition, record, outcome, output_of(element, route), share)
            work.fanout, work.life = opening, opening.life
            opening.open[work] = None
            works.append(work)
            partition.elements += 1
            self._tally.elements += 1
            if resumes:
                opening.resumed, resumes = True, False
                if partition.tracker.restored_head.first_attempt_ms:
                    self._resume(work, partition.tracker.restored_head)
        self._enqueue_all(works, outcomes, lambda work: route_of(work.output))

    def _done_before(self, opening: OpenElements) -> range | None:
        """The elements from the next one on that an earlier assignment completed, as the committed map says."""
        return next((done for done in opening.done_before if opening.next in done), None)

    def all_open(self, opening: OpenElements) -> None:
        """Nothing of it is to be opened any more."""
        if opening.is_done:
            self._close(opening)
        elif opening.partition.held is None and not opening.partition.topic.held:  # else it is counted as stuck, whole
            self._tally.buffered_bytes -= opening.let_go()

    def _close(self, opening: OpenElements) -> None:
        """All of its elements were opened, and nothing of it is left to do: nothing was made of the last of them."""
        tracker, tally = opening.partition.tracker, self._tally
        tracker.completed(opening.record.offset)
        opening.partition.dirty = True
        tally.buffered -= 1
        tally.buffered_bytes -= opening.size
        if opening.worst is Disposition.DELIVERED:
            tally.delivered += 1
        elif opening.worst is Disposition.DEAD_LETTERED:
            tally.dead_lettered += 1
        elif opening.first_filtered is not None:
            self._record_filtered(opening.first_filtered, 1)
        else:
            tally.already_done += 1
        if opening.life is not None:
            opening.life.done(opening.worst)

    def _accept_many(
        self, partition: PartitionWork, record: Record, outcomes: Outcomes, life: RecordLife | None
    ) -> None:
        """A record with several routes: complete when each of its events is."""
        filtered: list[Filtered] = []
        works = []
        for output, outcome in enumerate(outcomes):
            reason = self._filtered_by(record, outcome)
            if reason is not None:
                filtered.append(reason)
            else:
                works.append(self._work(partition, record, outcome, output))
        if not works:
            partition.tracker.passed(record.offset)
            self._record_filtered(filtered[0], 1)
            if life is not None:
                life.done(_FILTERED)
            return
        fanout = Fanout(dict.fromkeys(works), works[0].size)
        fanout.life = life
        self._arrived(partition, record, fanout)
        for work in works:
            work.fanout, work.life = fanout, life
        self._enqueue_all(works, outcomes, lambda work: work.output)

    def _filtered_by(self, record: Record, outcome: Outcome) -> Filtered | None:
        """By which rule one of several outcomes sends nothing; None: it does."""
        if isinstance(outcome, Forget):
            self._forget(record, outcome.user_id)
            outcome = outcome.filtered
        if not isinstance(outcome, Filtered):
            return None
        self._event_filtered(outcome, 1)
        return outcome

    def _enqueue_all(self, works: Sequence[Work], outcomes: Outcomes, place_of: Callable[[Work], int]) -> None:
        """Queue the events of one record or element, as steps where they are such."""
        if works and isinstance(outcomes, Steps):
            link(works, [place_of(work) for work in works], len(outcomes))
            if isinstance(outcomes[place_of(works[0])], Failed):
                works = [*works[1:], works[0]]  # it is over at once: what waits for it must be in its queue then
        for work in works:
            self._enqueue(work, outcomes[place_of(work)])

    def _record_filtered(self, outcome: Filtered, records: int) -> None:
        tally = self._tally
        tally.filtered += records
        tally.filtered_records[outcome] = tally.filtered_records.get(outcome, 0) + records

    def _event_filtered(self, outcome: Filtered, events: int) -> None:
        if outcome.route is not None:
            self._tally.route(outcome.route).filtered += events

    def _work(
        self, partition: PartitionWork, record: Record, outcome: Outcome, output: int, size: int | None = None
    ) -> Work:
        request = outcome if type(outcome) is Request else NO_REQUEST
        if isinstance(outcome, Failed) and outcome.unmapped_type is not None:
            self._tally.unmapped_letter(outcome.unmapped_type)
        held = record.size if size is None else size
        return Work(partition, record, held, output, request, self._key_of(record, request))

    def _arrived(self, partition: PartitionWork, record: Record, entry: Entry) -> None:
        tracker = partition.tracker
        if record.offset == tracker.start and tracker.restored_head.first_attempt_ms:
            head = entry if isinstance(entry, Work) else entry.head
            if head is not None:
                self._resume(head, tracker.restored_head)
        tracker.arrived(record.offset, entry)
        self._tally.buffered += 1
        self._tally.buffered_bytes += entry.size

    def _resume(self, work: Work, head: Head) -> None:
        """A rebalance does not reset the budget of a record that keeps failing."""
        work.counted = head.attempts
        work.mark = self._evidence[work.request.kind].now()
        work.first_at = self._clock.monotonic() - max(0.0, self._clock.wall() - head.first_attempt_ms / 1000)

    def _key_of(self, record: Record, request: Request) -> QueueKey:
        ordering = self._ordering
        if request is NO_REQUEST or ordering == "none":
            return None
        if ordering == "user":
            return request.user_id
        if ordering == "key" and record.key is not None:
            return record.key
        return (record.topic, record.partition)


def link(works: Sequence[Work], places: Sequence[int], of: int) -> None:
    """Each of these waits for the one before it; `places` are those they have among all outcomes, `of` how many.

    Which of them failed in an earlier assignment is not known: what was counted then counts for each.
    """
    before: RecordStep | None = None
    fanout, partition = works[0].fanout, works[0].partition
    rest_follows = fanout.rest_follows if isinstance(fanout, OpenElements) else partition.rest_follows
    for work, place in zip(works, places, strict=True):
        step = work.step = RecordStep(place, of, rest_follows=rest_follows)
        if before is not None:
            before.then, step.waits = work, True
        before = step
        first = works[0]
        work.counted, work.mark, work.first_at = first.counted, first.mark, first.first_at


def _too_large(arrival: Oversized) -> str:
    return (
        f"the record has {arrival.record.size + arrival.value_bytes} bytes, more than kafka.max_record_bytes "
        f"({arrival.largest}); its value is left out here and is at {arrival.record.coordinates}, for as long as the "
        "topic keeps it"
    )
