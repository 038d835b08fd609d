"""``track-bridge backfill plan``"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bridge.cli.frame import completion, output, startup
from bridge.cli.frame.help import about
from bridge.commands import Operand, command
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.backfill.manifest import Manifest, PlannedRange
    from bridge.backfill.planning.bounds import Bound
    from bridge.backfill.planning.cluster import HistoryCluster
    from bridge.backfill.planning.ranges import RangeDecision, WantedRanges
    from bridge.config.keys.scalars import StartFrom

RunFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The run directory: plan, files, and how far they are.")]
"""The argument of every command of this group."""
_BOUNDS = "OFFSET|earliest|latest|TIME"
_HEAD = ("partition", "from", "to", "offsets", "overlap", "chosen")


@about(
    ("A bridge that never ran: all that Kafka has, and it begins behind that", "backfill plan y25 --cut"),
    (
        "A bridge that runs, and whose first record was of 1 June: what is before",
        "backfill plan y25 --live-since 2026-06-01T00:00:00Z",
    ),
    ("The same offsets once more, with another mapping", "backfill plan y26 --ranges-of y25"),
    ("Only look", "backfill plan y25 --cut --dry-run"),
    unreachable="No Kafka broker answers, or not every start of the group was set.",
)
def plan(  # noqa: PLR0917 - options are parameters
    folder: RunFolder,
    config: startup.ConfigPath = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOPIC[/PARTITION]",
            autocompletion=completion.topics,
            show_default=False,
            help="Which of kafka.topics; may be given several times. Left out: all of them.",
        ),
    ] = None,
    from_: Annotated[
        str,
        typer.Option(
            "--from",
            metavar=_BOUNDS,
            autocompletion=completion.offsets("earliest", "latest"),
            help="Where each partition's range begins; a time of Kafka's.",
        ),
    ] = "earliest",
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar=_BOUNDS,
            autocompletion=completion.offsets("earliest", "latest"),
            show_default=False,
            help="The first offset that is not meant, or a time.",
        ),
    ] = None,
    until: Annotated[
        Literal["group"] | None,
        typer.Option(
            "--until", show_default=False, help="To the group's committed offsets; so where --to is left out."
        ),
    ] = None,
    live_since: Annotated[
        str | None,
        typer.Option(
            metavar=f"{_BOUNDS}|group",
            autocompletion=completion.offsets("earliest", "latest", "group"),
            show_default=False,
            help="The first record that the bridge of this group delivered (not when it was started: with start_from: "
            "earliest nothing is history), where history ends unless --to says less; group: nothing below the "
            "committed offset was delivered by it.",
        ),
    ] = None,
    cut: Annotated[
        bool,
        typer.Option(
            "--cut", help="Set the group's committed offset to the range's end, where it has none: it begins there."
        ),
    ] = False,
    overlap: Annotated[
        bool,
        typer.Option("--overlap", help="Take, and count, what the running bridge delivers, too: it is there twice."),
    ] = False,
    ranges_of: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="The ranges of an earlier run, for another mapping or other files; also where the bridge runs by now.",
        ),
    ] = None,
    accept_submitted: Annotated[
        int,
        typer.Option(
            metavar="ROWS", min=0, help="With --ranges-of: so many rows that were submitted may be there twice."
        ),
    ] = 0,
    inserted_at: Annotated[
        Literal["space", "iso_z"],
        typer.Option(
            metavar="space|iso_z",
            help="How rows write their time: 2026-01-31 09:00:00.000000, or 2026-01-31T09:00:00.000000Z.",
        ),
    ] = "space",
    company_id: Annotated[
        bool,
        typer.Option("--company-id", help="Track rows have the id of the company that the same record identifies."),
    ] = False,
    file_size: Annotated[str, typer.Option(metavar="SIZE", help="A file is closed before it is larger.")] = "45MB",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the ranges: make and set nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Decide which offsets are history, and make the run directory; joins no group and needs no API key.

    History and what the running bridge delivers must not overlap: nothing tells duplicates later. A range that may is
    refused. Times are those of Kafka's records, and only choose offsets.
    """
    from contextlib import ExitStack

    from bridge.backfill.manifest import BackfillSettings
    from bridge.backfill.planning import cluster as clusters
    from bridge.backfill.planning import plan as plans
    from bridge.backfill.planning.earlier import refuse_submitted
    from bridge.backfill.run_directory import RunDirectory
    from bridge.cli.backfill.ranges_of import decided_again, earlier_run

    wanted = _wanted(from_, to, until, live_since, cut=cut, overlap=overlap)
    settings = BackfillSettings(inserted_at, company_id, _size(file_size))
    start = startup.load(config, needs_key=False)
    directory = RunDirectory(folder)
    with ExitStack() as made:
        earlier, notes = None, []
        if ranges_of is not None:
            given: dict[str, Any] = {"--from": from_ != "earliest", "--to": to, "--until": until}
            given |= {"--live-since": live_since, "--topic": topic, "--overlap": overlap}
            earlier = made.enter_context(earlier_run(ranges_of, given))
            notes += refuse_submitted(earlier, str(ranges_of), accept_submitted)
        if not dry_run:
            made.enter_context(directory.created())
        inspection, there = startup.connect(start)
        if earlier is not None:
            found, decision = decided_again(start, inspection, there, earlier, cut=cut)
        else:
            partitions = clusters.wanted_partitions(start.config, there, topic or ())
            found = clusters.look(inspection, there, {each.topic for each in partitions})
            decision = _decided(inspection, found, partitions, wanted, start.config.kafka.start_from)
        was_cut = bool(decision.cuts) or (earlier is not None and earlier.cut)
        manifest = plans.manifest_of(start.config, start.mapping, found, decision.ranges, settings, cut=was_cut)
        notes += [*decision.notes, *plans.topic_notes(found.settings)]
        if not dry_run:
            _cut(start, decision)
            directory.save(manifest)
    if json:
        output.document(_document(manifest, decision, notes, folder, made=not dry_run))
    else:
        output.lines(_lines(manifest, decision, notes, folder, made=not dry_run))
    return ExitCode.OK


def _wanted(
    from_: str, to: str | None, until: str | None, live_since: str | None, *, cut: bool, overlap: bool
) -> WantedRanges:
    from bridge.backfill.planning.bounds import LogBound
    from bridge.backfill.planning.ranges import WantedRanges

    if to is not None and until is not None:
        raise Misuse("--to and --until both say where the ranges end: give one of them.")
    since = None if live_since is None else _since(live_since)
    # Where it is known since when the bridge delivers, history ends there.
    end = _bound("--to", to) if to is not None else LogBound.GROUP if until is not None or since is None else since
    return WantedRanges(_bound("--from", from_), end, since, cut=cut, overlap=overlap)


def _bound(option: str, text: str) -> Bound:
    from bridge.backfill.planning import bounds

    try:
        return bounds.parse(text)
    except ValueError as problem:
        raise Misuse(f"{option} {problem}.") from problem


def _since(text: str) -> Bound:
    from bridge.backfill.planning.bounds import LogBound

    return LogBound.GROUP if text == LogBound.GROUP else _bound("--live-since", text)


def _size(text: str) -> int:
    from bridge.config.keys import scalars

    try:
        return scalars.size(text)
    except ValueError as problem:
        raise Misuse(f"--file-size {problem}.") from problem


def _decided(
    inspection: Any, found: HistoryCluster, partitions: Sequence[Any], wanted: WantedRanges, start_from: StartFrom
) -> RangeDecision:
    """Raises `Misuse` with all that is refused."""
    from bridge.backfill.planning import cluster as clusters
    from bridge.backfill.planning import first_delivered, ranges

    times = clusters.offsets_at(inspection, partitions, (wanted.start, wanted.end, wanted.live_since))
    decision = ranges.decide(found.chosen(partitions), wanted, times)
    refusals = [*decision.refusals, *ranges.uncovered(decision.cuts, found.facts)]
    if not wanted.overlap:
        refusals += first_delivered.contradictions(wanted.live_since, start_from, found.chosen(partitions))
    if refusals:
        raise Misuse("\n".join([*refusals, "No plan was made."]))
    return replace(decision, notes=(*decision.notes, *first_delivered.notes(wanted.live_since, start_from)))


def _cut(start: startup.LoadedConfiguration, decision: RangeDecision) -> None:
    from bridge.backfill.planning import cluster as clusters
    from bridge.config.fingerprint import mapping_number

    cut = [each for each in decision.ranges if each.of in decision.cuts]
    if cut:
        clusters.cut(start.config.kafka, cut, mapping_number(start.config.mapping), startup.quiet_logger())


def _lines(manifest: Manifest, decision: RangeDecision, notes: Sequence[str], folder: Path, *, made: bool) -> list[str]:
    lines = [*tables.table([_HEAD, *map(_row, manifest.ranges)], right=(1, 2, 3, 4)), *notes]
    if decision.cuts:
        begins = "begins" if made else "would begin"
        lines.append(
            f"The group {manifest.group} {begins} where the ranges end, on {plural(len(decision.cuts), 'partition')}."
        )
    overlap = sum(each.overlap for each in manifest.ranges)
    if overlap:
        lines.append(f"Up to {plural(overlap, 'event')} will be there twice: the running bridge delivers them, too.")
    offsets = plural(manifest.offsets, "offset")
    if not made:
        return [*lines, f"{offsets}. Nothing was made or set (--dry-run)."]
    return [*lines, f"{offsets} planned in {folder}. Next: `{command('backfill', 'write', Operand(folder))}`"]


def _row(each: PlannedRange) -> tuple[str, ...]:
    return (
        str(each.of),
        str(each.start),
        str(each.end),
        thousands(each.end - each.start),
        thousands(each.overlap),
        each.chosen,
    )


def _document(
    manifest: Manifest, decision: RangeDecision, notes: Sequence[str], folder: Path, *, made: bool
) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "made": made,
        "group": manifest.group,
        "offsets": manifest.offsets,
        "overlap": sum(each.overlap for each in manifest.ranges),
        "cut": [str(each) for each in decision.cuts],
        "ranges": [
            {
                "topic": each.topic,
                "partition": each.partition,
                "start": each.start,
                "end": each.end,
                "chosen": each.chosen,
                "overlap": each.overlap,
            }
            for each in manifest.ranges
        ],
        "notes": list(notes),
    }
