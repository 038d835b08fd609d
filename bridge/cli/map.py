"""``track-bridge map``"""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.frame import completion, output, progress, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode
from bridge.inputs import sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.cli.samples.histogram import Histogram
    from bridge.cli.samples.sampled_topics import Sampled
    from bridge.mapping.review.comparison import MappingComparison
    from bridge.model import Record

DEFAULT_LIMIT = 1000


@about(
    ("What the records of a file become, one value a line", "map orders.ndjson --topic shop.orders"),
    ("What the newest 1000 records of a consumed topic become", "map --from-topic shop.orders"),
    (
        "What those of another topic would become, were they of shop.orders",
        "map --from-topic shop.orders.v2 --topic shop.orders",
    ),
    ("What a change of the mapping changes", "map --diff main.yaml bridge.yaml --from-topic"),
    findings="A record would be a dead letter; with --diff: a record becomes something else.",
    unreachable="With `--from-topic`: no Kafka broker answers.",
)
def map_records(  # noqa: PLR0917 - options are parameters
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|-|TOPIC",
            autocompletion=completion.topics_of_records,
            show_default=False,
            help="A file, or - for standard input; with --from-topic a topic's name (left out: all of kafka.topics).",
        ),
    ] = None,
    config: startup.ConfigPath = None,
    from_topic: Annotated[
        bool, typer.Option("--from-topic", help="Read records from Kafka, joining no group and committing nothing.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, show_default=False, help="Maximum records (1000 with --from-topic)."
        ),
    ] = None,
    oldest: Annotated[
        bool, typer.Option("--oldest", help="With --from-topic: the oldest records, not the newest.")
    ] = False,
    record: Annotated[
        bool,
        typer.Option("--record", help="Each line is a whole record: {topic, partition, offset, key, value, headers}."),
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The input is one value, byte for byte.")] = False,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.topics,
            show_default=False,
            help="The topic to assume for values, and for the records of a topic that is named. With --from-topic and "
            "no name: which of kafka.topics to read, by name or ^pattern; may be given several times.",
        ),
    ] = None,
    diff: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="OLD NEW",
            show_default=False,
            help="Two configurations: which requests appear, vanish or change, key by key. Kafka is as NEW has it.",
        ),
    ] = None,
    values: Annotated[
        bool,
        typer.Option("--values", help="With --diff: a value before and after, less what dead_letter.redact hides."),
    ] = False,
    schema: SchemaFiles = None,
    json: Annotated[
        bool, typer.Option("--json", help="JSON: one line per record; from a topic, and with --diff, one document.")
    ] = False,
) -> ExitCode:
    """Show the requests that records become; never sends.

    Or why they become none: filtered by which rule, dead letters for which reason.
    The input is one value per line, or one JSON document.
    """
    from bridge.cli.samples import two_mappings
    from bridge.inputs import records

    form = records.form_of(is_record=record, is_raw=raw)
    chosen = tuple(topic or ())
    if values and diff is None:
        raise Misuse("--values says what is shown of differences: it needs --diff.")
    if diff is not None and config is not None:
        raise Misuse("--diff names both configurations: leave --config out.")
    if from_topic:
        if form is not records.Form.VALUES:
            raise Misuse("--record and --raw say what a file holds: with --from-topic, records are as Kafka has them.")
        if diff is not None:
            both = two_mappings.load(diff, schema)
            read = limit or DEFAULT_LIMIT
            with progress.watched("Reading", read) as report:
                peeked = _peek(both.after, two_mappings.topics(both, source, chosen), read, oldest=oldest)
                compared = two_mappings.compared(both, two_mappings.reported(peeked, report), values=values)
            return _differences(compared, as_json=json)
        start = startup.load_to_read(config, schema, reaches_api=False)
        return _from_topic(start, source, chosen, limit or DEFAULT_LIMIT, oldest=oldest, as_json=json)
    if oldest:
        raise Misuse("--oldest says which records of a topic are read: it needs --from-topic.")
    if len(chosen) > 1:
        raise Misuse("The values of a file are of one topic: give --topic once. Several need --from-topic.")
    pair = None if diff is None else two_mappings.load(diff, schema)
    start = startup.load_to_read(config, schema, reaches_api=False) if pair is None else pair.after
    if source is None and sys.stdin.isatty():
        raise Misuse("Name a file, give - to read standard input, or use --from-topic to read from Kafka.")
    found = records.read(source or sources.STDIN, form, *chosen)
    if pair is not None:
        return _differences(two_mappings.compared(pair, islice(found, limit), values=values), as_json=json)
    return _from_file(start, found, limit, as_json=json)


def _differences(found: MappingComparison, *, as_json: bool) -> ExitCode:
    from bridge.cli.samples import differences

    if as_json:
        output.document(differences.document(found))
    else:
        output.lines(differences.lines(found))
    return ExitCode.FINDINGS if found.is_changed else ExitCode.OK


def _from_file(
    start: startup.LoadedConfiguration, found: Iterator[Record], limit: int | None, *, as_json: bool
) -> ExitCode:
    from bridge.cli.samples import outcomes
    from bridge.cli.samples.histogram import Histogram
    from bridge.mapping.review.coverage import Coverage
    from bridge.mapping.review.explain import explain

    histogram, seen = Histogram(), Coverage(start.mapping)
    now = time.time()
    for each in islice(found, limit):
        mapped = start.mapping.map_all(each, now)
        histogram.add(each, mapped)
        seen.add(each, mapped)
        explanation = explain(start.mapping, each, now)
        if as_json:
            own = Coverage(start.mapping)
            own.add(each, mapped)
            output.document(outcomes.document(explanation) | {"warnings": outcomes.coverage_document(own)["warnings"]})
        else:
            output.lines(outcomes.describe(explanation))
    if histogram.records > 1 and not as_json:
        output.line()
        output.lines(_counts(start, histogram))
        output.lines(outcomes.coverage_lines(seen))
    if not as_json:
        output.lines(outcomes.coverage_warnings(seen))
    if histogram.records == 0:
        raise Misuse("The input is empty: there is no record to map.")
    return _exit_code(histogram)


def _from_topic(
    start: startup.LoadedConfiguration,
    name: str | None,
    chosen: Sequence[str],
    limit: int,
    *,
    oldest: bool,
    as_json: bool,
) -> ExitCode:
    from bridge.cli.samples import outcomes
    from bridge.cli.samples.histogram import Histogram
    from bridge.cli.samples.sampled_topics import sampled
    from bridge.config.topics.consumed_topics import topics_of
    from bridge.mapping.review.coverage import Coverage
    from bridge.mapping.review.explain import explain

    consumed = topics_of(start.config.kafka)
    wanted = sampled(consumed, name, chosen)
    histogram, seen = Histogram(), Coverage(start.mapping)
    now = time.time()
    with progress.watched("Reading", limit) as report:
        for each in _peek(start, wanted, limit, oldest=oldest):
            mapped = start.mapping.map_all(each, now)
            histogram.add(each, mapped)
            seen.add(each, mapped)
            report(histogram.records)
    samples = [explain(start.mapping, each, now) for each in histogram.samples]
    if as_json:
        shown = [outcomes.document(sample) for sample in samples]
        mapped_as = {"assumed_topic": wanted.assumed}
        output.document(histogram.document() | outcomes.coverage_document(seen) | {"samples": shown} | mapped_as)
        return _exit_code(histogram)
    notice = wanted.notice(consumed)
    output.lines([] if notice is None else [notice, ""])
    output.lines(_counts(start, histogram))
    output.lines(outcomes.coverage_lines(seen))
    output.lines(outcomes.coverage_warnings(seen))
    if samples:
        output.lines(["", "A record of each kind:"])
    for sample in samples:
        output.lines(f"  {line}" for line in outcomes.describe(sample))
    return _exit_code(histogram)


def _counts(start: startup.LoadedConfiguration, histogram: Histogram) -> list[str]:
    """Users on several partitions concern only who asked for the order of users."""
    return histogram.lines() + (histogram.users() if start.config.delivery.ordering == "user" else [])


def _peek(start: startup.LoadedConfiguration, sampled: Sampled, limit: int, *, oldest: bool) -> Iterator[Record]:
    from bridge.kafka.admin import sampler
    from bridge.model import TopicPartition

    inspection, cluster = startup.connect(start)
    wanted = {t: n for t, n in cluster.topics.items() if sampled.takes(t)}
    if not wanted:
        raise Misuse(f"The cluster has no topic {' or '.join(sampled.asked.entries)} that this user may see.")
    logs = inspection.logs([TopicPartition(each, number) for each, count in wanted.items() for number in range(count)])
    if not logs:
        raise Unreachable(f"The brokers did not say where the logs of {', '.join(wanted)} begin and end.")
    end = sampler.End.OLDEST if oldest else sampler.End.NEWEST
    for record in sampler.read(start.config.kafka, sampler.shares(logs, limit, end), startup.quiet_logger()):
        yield record if sampled.assumed is None else record._replace(topic=sampled.assumed)


def _exit_code(histogram: Histogram) -> ExitCode:
    return ExitCode.FINDINGS if histogram.dead_letters else ExitCode.OK
