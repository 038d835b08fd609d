"""``track-bridge backfill write``"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.backfill.plan import RunFolder
from bridge.cli.frame import output, progress, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.commands import Operand, command
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode
from bridge.text.amounts import plural, size, thousands

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bridge.backfill.manifest import Manifest, PlannedRange
    from bridge.backfill.run_directory import RunDirectory
    from bridge.model import Record


@about(
    ("Write the files of a plan, or continue to", "backfill write y25"),
    unreachable="No Kafka broker answers, a registry that is needed does not, or the disk is full; run it again.",
)
def write(
    folder: RunFolder,
    config: startup.ConfigPath = None,
    accept_gone: Annotated[
        int,
        typer.Option(
            "--accept-gone", metavar="N", min=0, help="Maximum planned offsets that may have left Kafka since the plan."
        ),
    ] = 0,
    schema: SchemaFiles = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Write the rows of the planned ranges as files, by the mapping of the configuration; needs no API key.

    Where it was interrupted, the same command continues, and the files are the same as without. A record that cannot be
    mapped is a line of rejects.ndjson, and never a dead letter. max_age is not applied.
    """
    from bridge.backfill.manifest import Stage
    from bridge.backfill.planning.plan import refuse_other_mapping
    from bridge.backfill.run_directory import RunDirectory

    directory = RunDirectory(folder)
    directory.read()  # What is no run directory is not locked either.
    start = startup.load_to_read(config, schema, needs_key=False)
    with directory.locked():
        manifest = directory.read()
        refuse_other_mapping(manifest, start.config, start.mapping)
        if manifest.stage in {Stage.PLANNED, Stage.WRITING}:
            manifest = _write(start, directory, manifest, accept_gone)
    if json:
        output.document(_document(manifest, folder))
    else:
        output.lines(_lines(manifest, folder))
    return ExitCode.OK


def _write(
    start: startup.LoadedConfiguration, directory: RunDirectory, manifest: Manifest, accept_gone: int
) -> Manifest:
    from bridge.backfill.writing.writer import HistoryWriter
    from bridge.kafka.admin.history_reader import HistoryReader, OffsetGoneError
    from bridge.mapping.history import HistoryMapper
    from bridge.reprocess.reading.redaction import places, redaction

    mapper = HistoryMapper(start.mapping)
    hidden = redaction(start.config.dead_letter.redact, everything=False, within=places(start.config.mapping))

    def redact(row: bytes, record: Record) -> bytes:
        return hidden.of_request(row, record.value, record.headers)

    gone_from: tuple[PlannedRange, ...] | None = None
    while True:
        manifest = _still_there(start, directory, manifest, accept_gone)
        if manifest.ranges == gone_from:
            raise Unreachable(
                "The brokers refuse an offset that they say is in the log. Run this again; "
                f"`{command('offsets', 'show')}` shows the logs."
            )
        with (
            HistoryReader(start.config.kafka, startup.quiet_logger()) as reader,
            progress.shown("Writing", manifest.offsets) as report,
        ):
            writer = HistoryWriter(directory, manifest, mapper, reader, report, redact)
            try:
                writer.write()
            except OffsetGoneError:
                manifest = writer.manifest  # The log moved meanwhile: how far is looked at again.
                gone_from = manifest.ranges
                continue
            return writer.manifest


def _still_there(
    start: startup.LoadedConfiguration, directory: RunDirectory, manifest: Manifest, accept_gone: int
) -> Manifest:
    """The ranges as far as they are in the log. Raises `Misuse` where more is gone than is accepted."""
    from bridge.backfill.manifest import PlannedTopic
    from bridge.backfill.planning.plan import refuse_other_topics
    from bridge.backfill.planning.presence import present

    inspection, cluster = startup.connect(start)
    ids = inspection.identities(sorted(name for name in manifest.topics if name in cluster.topics))
    there = {
        name: PlannedTopic(ids.get(name, ""), cluster.topics[name])
        for name in manifest.topics
        if name in cluster.topics
    }
    for note in refuse_other_topics(manifest, inspection.cluster_id(), there):
        output.notice(note)
    left = [each.of for each in manifest.ranges if not each.is_done]
    logs = inspection.logs(left)
    unread = [each for each in left if each not in logs]
    if unread:
        raise Unreachable(
            f"The brokers did not report the log of {', '.join(map(str, unread))}. `{command('check')}` looks at "
            "brokers and permissions."
        )
    found = present(manifest.ranges, logs)
    if found.truncated:
        raise Misuse("\n".join(found.truncated))
    accepted = sum(each.gone for each in manifest.ranges)
    if found.gone and accepted + found.gone > accept_gone:
        total = accepted + found.gone
        raise Misuse(
            "\n".join(
                [
                    *found.sentences,
                    f"Nothing more was written. To write what is left without them: --accept-gone {total}.",
                ]
            )
        )
    if found.gone:
        manifest = replace(manifest, ranges=found.ranges)
        directory.save(manifest)
    return manifest


def _lines(manifest: Manifest, folder: Path) -> Sequence[str]:
    written = manifest.written
    empty = manifest.offsets - written.records - sum(each.gone for each in manifest.ranges)
    lines = [f"{plural(written.records, 'record')} of {plural(manifest.offsets, 'offset')} written."]
    if empty:
        lines.append(
            f"{plural(empty, 'offset')} hold no record: marks of transactions, aborted records, or what compaction "
            "removed."
        )
    gone = sum(each.gone for each in manifest.ranges)
    if gone:
        lines.append(f"{plural(gone, 'offset')} had left Kafka before they were read.")
    if written.records == 0 and manifest.offsets:
        lines.append("There is nothing left to bring in: all of the ranges was compacted away, or aborted.")
    lines += [f"{thousands(count)} rows of {kind}" for kind, count in written.rows.items()]
    lines += [f"{thousands(count)} filtered: {reason}" for reason, count in written.filtered.items()]
    lines += [f"{thousands(count)} rejected: {reason}" for reason, count in written.rejects.items()]
    files = plural(len(manifest.files), "file")
    amount = size(sum(each.bytes for each in manifest.files))
    next_ = command("backfill", "check", Operand(folder))
    return [*lines, f"{files} with {amount} in {folder}. Next: `{next_}`"]


def _document(manifest: Manifest, folder: Path) -> Mapping[str, Any]:
    written = manifest.written
    return {
        "folder": str(folder),
        "stage": manifest.stage,
        "offsets": manifest.offsets,
        "records": written.records,
        "gone": sum(each.gone for each in manifest.ranges),
        "rows": dict(written.rows),
        "filtered": dict(written.filtered),
        "rejects": dict(written.rejects),
        "files": [
            {"name": each.name, "kind": each.kind, "rows": each.rows, "bytes": each.bytes, "sha256": each.sha256}
            for each in manifest.files
        ],
    }
