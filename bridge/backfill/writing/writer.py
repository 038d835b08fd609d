"""Reads the planned ranges in their order, and writes rows: in segments, of which each is recorded when it is whole.

A segment is a number of records of one range. It begins with nothing remembered, so that a process which was killed
writes its segment again, byte for byte. The manifest is replaced when the segment's rows are on the disk; whatever
is in the files behind what it says is cut off by the next process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final, Protocol

import orjson

from bridge.backfill.manifest import ImportFile, Manifest, PlannedRange, RowKind, Stage, Written
from bridge.backfill.run_directory import RunDirectory, disk_errors
from bridge.backfill.writing.files import RunFiles
from bridge.backfill.writing.rows import Row, RowMaker, company_of
from bridge.kafka.admin.history_reader import OversizedRecord
from bridge.mapping.history import HistoryMapper, HistoryOutput
from bridge.model import (
    Failed,
    Filtered,
    Forget,
    LetterReason,
    Outcome,
    Record,
    Request,
    TopicPartition,
)

MOST_SAMPLES: Final = 20
SAMPLE_BYTES: Final = 4_000
"""A larger row is no sample."""
SEGMENT: Final = 50_000
"""Records. So many are written again after a kill, which takes a second or two."""
_ORDER: Final = {kind: place for place, kind in enumerate(RowKind)}


Redact = Callable[[bytes, Record], bytes]
"""What may be shown of a row, by the record that it is of."""


class HistorySource(Protocol):
    """Where records come from."""

    def read(self, partition: TopicPartition, start: int, end: int) -> Iterator[Sequence[Record | OversizedRecord]]:
        """See `HistoryReader`."""


class HistoryWriter:
    """One run, on a directory that is locked."""

    def __init__(
        self,
        directory: RunDirectory,
        manifest: Manifest,
        mapper: HistoryMapper,
        reader: HistorySource,
        report: Callable[[int], None],
        redact: Redact,
        *,
        segment: int = SEGMENT,
    ) -> None:
        """`report` is told how many offsets are done, now and then; `redact` makes of a row what may be shown."""
        self.manifest = manifest
        self._directory = directory
        self._mapper = mapper
        self._reader = reader
        self._report = report
        self._redact = redact
        self._segment = segment

    def write(self) -> None:
        """All that is left to write. Raises `DiskError`, and what the reader and the mapping raise.

        What is recorded by then stays, and the next call continues there.
        """
        written = self.manifest.written
        with RunFiles(
            self._directory,
            self.manifest.settings.file_bytes,
            self.manifest.files,
            written.open,
            written.reject_bytes,
        ) as files:
            for place, each in enumerate(self.manifest.ranges):
                if not each.is_done:
                    self._range(place, files)
            with disk_errors(self._directory.path):
                files.close()
            self._record(files, Counter(), stage=Stage.WRITTEN)

    def _range(self, place: int, files: RunFiles) -> None:
        planned = self.manifest.ranges[place]
        done_before = self.manifest.offsets_written - (planned.at - planned.start)
        records = self._records(planned, done_before)
        while True:
            samples = Samples(self.manifest.written.samples, self._redact)
            segment = _Segment(self._mapper, RowMaker(self.manifest.settings), files, samples)
            at, count = planned.end, 0
            with disk_errors(self._directory.path):
                for record in islice(records, self._segment):
                    segment.take(record)
                    count += 1
                    at = (record.record if isinstance(record, OversizedRecord) else record).offset + 1
            is_over = count < self._segment
            planned = replace(planned, next=planned.end if is_over else at, records=planned.records + count)
            ranges = (*self.manifest.ranges[:place], planned, *self.manifest.ranges[place + 1 :])
            self.manifest = replace(self.manifest, ranges=ranges)
            self._record(files, segment.counts, records=count, samples=samples.rows)
            if is_over:
                return

    def _records(self, planned: PlannedRange, done_before: int) -> Iterator[Record | OversizedRecord]:
        for batch in self._reader.read(planned.of, planned.at, planned.end):
            yield from batch
            last = batch[-1]
            offset = (last.record if isinstance(last, OversizedRecord) else last).offset
            self._report(done_before + offset + 1 - planned.start)

    def _record(
        self,
        files: RunFiles,
        counts: Counter[tuple[str, str]],
        *,
        records: int = 0,
        samples: Mapping[str, str] | None = None,
        stage: Stage = Stage.WRITING,
    ) -> None:
        """What was added is whole: on the disk first, then in the manifest."""
        with disk_errors(self._directory.path):
            files.sync()
        before = self.manifest.written
        self.manifest = replace(
            self.manifest,
            stage=stage,
            written=Written(
                records=before.records + records,
                rows=_added(before.rows, counts, "rows"),
                filtered=_added(before.filtered, counts, "filtered"),
                rejects=_added(before.rejects, counts, "rejects"),
                reject_bytes=files.reject_bytes,
                open=files.open,
                samples=before.samples if samples is None else samples,
            ),
            files=_in_order([*self.manifest.files, *files.take_closed()]),
        )
        self._directory.save(self.manifest)


class Samples:
    """The first row of each kind and name, as it may be shown: here alone is the record that says what is hidden."""

    def __init__(self, known: Mapping[str, str], redact: Redact) -> None:
        self.rows = dict(known)
        self._redact = redact
        self._looked_at: set[tuple[str, str]] = set()

    def look(self, row: Row, event_name: str, record: Record) -> None:
        """Keep it, if it is the first of its kind."""
        if (row.kind, event_name) in self._looked_at or len(self.rows) >= MOST_SAMPLES or len(row.line) > SAMPLE_BYTES:
            return
        self._looked_at.add((row.kind, event_name))
        place = f"{row.kind}: {event_name}" if event_name else row.kind
        if place not in self.rows:
            self.rows[place] = self._redact(row.line, record).decode("utf-8", "replace").rstrip("\n")


class _Segment:
    """A number of records, and what became of them."""

    def __init__(self, mapper: HistoryMapper, rows: RowMaker, files: RunFiles, samples: Samples) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._mapper = mapper
        self._rows = rows
        self._files = files
        self._samples = samples
        self._written = dict.fromkeys((kind.value for kind in RowKind), 0)

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """What became of the records: rows by kind, filtered and rejects by reason."""
        return self._counts + Counter({("rows", kind): count for kind, count in self._written.items()})

    def take(self, record: Record | OversizedRecord) -> None:
        """Raises `OSError`, and what the mapping does."""
        if isinstance(record, OversizedRecord):
            why = f"the record has {record.bytes} bytes, more than kafka.max_record_bytes"
            self._reject(record.record, HistoryOutput(0, Failed(LetterReason.TOO_LARGE, why)))
            return
        for outputs in self._mapper.outputs(record):
            self._take(record, outputs)

    def _take(self, record: Record, outputs: Sequence[HistoryOutput]) -> None:
        company = _company(outputs) if self._rows.needs_company else None
        for output in outputs:
            outcome = output.outcome
            if isinstance(outcome, Request) and output.event is not None:
                for row in self._rows.rows(outcome, output.event, output.number, company):
                    self._files.add(row)
                    self._samples.look(row, outcome.event_name, record)
                    self._written[row.kind] += 1
            elif isinstance(outcome, Failed):
                self._reject(record, output)
            else:
                self._counts["filtered", _filtered(outcome)] += 1

    def _reject(self, record: Record, output: HistoryOutput) -> None:
        failed = output.outcome
        assert isinstance(failed, Failed)  # noqa: S101  # whoever calls this has looked
        self._counts["rejects", failed.reason] += 1
        entry = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "element": output.element,
            "route": None if failed.route is None else failed.route.name,
            "reason": failed.reason,
            "message": failed.message,
            "steps_left_out": output.left,
        }
        self._files.reject(orjson.dumps(entry) + b"\n")


def _company(outputs: Sequence[HistoryOutput]) -> str | None:
    """That of the steps of a record, or an element: the last one counts, as for a user who is identified twice."""
    found = (company_of(each.outcome) for each in reversed(outputs) if isinstance(each.outcome, Request))
    return next((each for each in found if each is not None), None)


def _filtered(outcome: Outcome) -> str:
    if isinstance(outcome, Filtered):
        return outcome.reason
    if isinstance(outcome, Forget):
        return outcome.filtered.reason
    raise AssertionError(type(outcome).__name__)  # commands look schemas up, and elements are mapped


def _added(before: Mapping[str, int], counts: Counter[tuple[str, str]], what: str) -> dict[str, int]:
    total = Counter(before)
    total.update({name: count for (kind, name), count in counts.items() if kind == what})
    return dict(sorted(total.items()))


def _in_order(files: Sequence[ImportFile]) -> tuple[ImportFile, ...]:
    return tuple(sorted(files, key=lambda each: (_ORDER[each.kind], each.number)))
