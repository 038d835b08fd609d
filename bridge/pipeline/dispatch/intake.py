"""Records in, where a partition may have stopped at one of them: for a schema, or because it holds many records.

What comes behind such a record is kept in order or read again later; see `schema_waits` and `opening`. Where nothing
stops, a batch goes straight on to `admission`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.pipeline.dispatch.admission import Admission
from bridge.pipeline.dispatch.assignments import OpenRecords
from bridge.pipeline.dispatch.opening import Opening
from bridge.pipeline.dispatch.schema_waits import TURN, SchemaWaits
from bridge.pipeline.ports import Arrival, Mapper, Positions, SchemaLookups
from bridge.pipeline.schema_wait import NothingIn
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import PartitionWork


class Intake:
    """All partitions that stopped, and the way on for those that did not."""

    __slots__ = ("_admission", "_monotonic", "_wake_at", "opening", "schemas")

    def __init__(
        self,
        settings: DeliverySettings,
        admission: Admission,
        kept: OpenRecords,
        lookups: SchemaLookups,
        positions: Positions,
        monotonic: Callable[[], float],
        *,
        read_on: Callable[[PartitionWork], None],
        wake_at: Callable[[float | None], None],
    ) -> None:
        """`read_on` has a partition read on, unless something else holds it; `wake_at` asks for a turn at a time."""
        self._admission = admission
        self._monotonic = monotonic
        self._wake_at = wake_at
        self.opening = Opening(settings, admission, kept.tally, kept.failing, positions, self._take, read_on)
        self.schemas = SchemaWaits(settings, self._admit, self.opening, lookups, positions, read_on)

    @property
    def kept(self) -> tuple[int, int]:
        """Records and bytes that are kept behind others, and are open nowhere yet."""
        return self.schemas.records + self.opening.records, self.schemas.size + self.opening.size

    def holds(self, partition: PartitionWork) -> bool:
        """Whether nothing is to be read of it for now."""
        return partition in self.opening or bool(partition.wait and partition.wait.unread)

    def map_by(self, mapper: Mapper) -> None:
        """See `Dispatcher.map_by`. What waits for a schema is mapped again: this mapping may need another, or none."""
        self._admission.map_by(mapper)
        self.schemas.try_again()

    # --- what arrives ---------------------------------------------------------------------------------

    def accept(self, partition: PartitionWork, records: Sequence[Arrival], until: float) -> int:
        """As `Dispatcher.accept`, of a partition that is ours and not behind a record that is being opened."""
        if self.opening and partition.wait is None and not self.opening.may_decode:
            self.opening.begin(partition, records)
            return len(records)
        return self._take(partition, records, until)

    def passed(self, partition: PartitionWork, gap: NothingIn) -> None:
        """There is no record at these offsets, behind all that arrived before."""
        if partition in self.opening or partition.wait is None:
            self.opening.nothing_in(partition, gap)
        else:
            partition.wait.nothing_in(gap)

    def _take(self, partition: PartitionWork, records: Sequence[Arrival], until: float) -> int:
        """Take in what is not to be kept behind a record that stops its partition."""
        if partition.wait is not None:
            self.schemas.arrived(partition, partition.wait, records)
            return len(records)
        through = self._admit(partition, records, until)
        if partition.needs is not None:
            self.schemas.begin(partition, records[through:], self._monotonic())
            self._wake_at(self.schemas.due())
            through = len(records)
        return through

    def _admit(self, partition: PartitionWork, records: Sequence[Arrival], until: float) -> int:
        """The same behind a record of which the schema was waited for."""
        stopped = partition.opening
        if stopped is not None:
            self.opening.arrived(partition, records)
            return len(records)
        through = self._admission.accept(partition, records, until)
        if partition.opening is not None:
            if partition in self.opening:
                return through  # the rest of these is put back before what waits already
            self.opening.begin(partition, records[through:])
            through = len(records)
        return through

    # --- what goes on ---------------------------------------------------------------------------------

    def go_on(self, now: float) -> None:
        """Where partitions stopped. Schemas first: behind one may be a record of many, to be opened at once."""
        if self.schemas.looked_up_for:
            if not self.schemas.take_in(now + TURN, self._monotonic):
                self._wake_at(now)
            self._wake_at(self.schemas.due())
        if self.opening and not self.opening.advance(self._monotonic() + TURN, self._monotonic):
            self._wake_at(now)

    def drop(self, leaving: Sequence[PartitionWork]) -> None:
        """These are not ours any more."""
        self.schemas.drop(leaving)
        self.opening.drop(leaving)
