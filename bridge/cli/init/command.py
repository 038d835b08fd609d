"""``track-bridge init``"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.cli.init.given import InitOptions
    from bridge.model import Record
    from bridge.proposal.choices import Proposal
    from bridge.registry.commands import CommandSchemas


@about(
    ("Ask, look at topics, and write bridge.yaml", "init"),
    ("From a file with records, without Kafka", "init --samples orders.ndjson"),
    ("In a script, which nobody answers", "init --brokers kafka-1:9092 --topics shop.orders --yes"),
    ("With a login", "init --brokers b:9093 --property security.protocol=sasl_ssl"),
    findings="The file is written, and something of it needs a look: a sampled record would be a dead letter.",
    unreachable="No Kafka broker answers, or the schema registry that records need.",
)
def init(  # noqa: PLR0917 - options are parameters
    brokers: Annotated[
        str | None,
        typer.Option(
            "--brokers", "-b", metavar="HOST:PORT,…", show_default=False, help="Kafka's brokers to begin with."
        ),
    ] = None,
    topics: Annotated[
        list[str] | None,
        typer.Option(
            "--topics", "-t", metavar="NAME,…", show_default=False, help="Topics with events; several times, too."
        ),
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option(
            "--samples",
            metavar="FILE|-",
            show_default=False,
            help="Records to learn from, instead of those in Kafka, as `map` reads them: NDJSON, a JSON array, or "
            "lines of `kcat -J`. May be given several times.",
        ),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Each file of --samples is one value, byte for byte.")] = False,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            "-p",
            metavar="NAME=VALUE",
            show_default=False,
            help="A property of librdkafka, such as sasl.username=bridge; secrets are not written into the file. "
            "sasl.password_file=PATH reads one from a file.",
        ),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option("--registry", metavar="URL", show_default=False, help="The schema registry."),
    ] = None,
    schema: SchemaFiles = None,
    descriptor_set: Annotated[
        Path | None,
        typer.Option(
            "--descriptor-set",
            metavar="FILE",
            show_default=False,
            help="Protobuf without a registry: what `protoc --include_imports --descriptor_set_out` wrote.",
        ),
    ] = None,
    message_type: Annotated[
        str | None,
        typer.Option(
            "--message-type", metavar="NAME", show_default=False, help="The message in it, such as shop.v1.Order."
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="URL", show_default=False, help="The host of your Userpilot environment."),
    ] = None,
    api_key_file: Annotated[
        str | None,
        typer.Option("--api-key-file", metavar="PATH", show_default=False, help="Where the bridge finds the API key."),
    ] = None,
    group: Annotated[
        str, typer.Option("--group", metavar="NAME", help="The consumer group that the bridge will be.")
    ] = "userpilot-bridge",
    start_from: Annotated[
        str | None,
        typer.Option(
            "--start-from",
            metavar="WHERE",
            show_default=False,
            help="Where the bridge begins: latest (what is new, if nothing is said), earliest, a time, or an age such "
            "as 24h.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")] = Path(
        "bridge.yaml"
    ),
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, help="Maximum records of each topic.")
    ] = 1000,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; overwrite the file where it exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document with what is proposed and found.")] = False,
) -> ExitCode:
    """Propose a configuration from records: write a bridge.yaml that says what each key is based on.

    Looks at records of topics (joins no group, commits nothing) or of files; finds their format, type, user, time, id
    and metadata. Never overwrites a file without asking, and writes neither a secret nor a value of a record into it.
    """
    from bridge.cli.init import asking, given

    found, wrong = given.properties_of(properties or ())
    options = given.InitOptions(
        brokers=brokers, topics=given.topics_of(topics or ()), samples=tuple(samples or ()), properties=found,
        registry=registry, schemas=tuple(schema or ()), descriptor_set=descriptor_set, message_type=message_type,
        endpoint=endpoint, api_key_file=api_key_file, group=group, start_from=start_from, output=output, limit=limit,
        raw=raw, yes=yes,
        asks=not yes and sys.stdin.isatty() and sys.stderr.isatty(),
    )  # fmt: skip
    given.refuse(options, wrong)
    if options.asks:
        asking.say(
            "Records are looked at, and a configuration is proposed from them. Nothing is sent, no group is joined. "
            "Enter takes what is in brackets, Ctrl-C ends."
        )
        asking.say()
    return _run(options, as_json=json)


def _run(options: InitOptions, *, as_json: bool) -> ExitCode:
    from bridge.cli.frame import output
    from bridge.cli.init import answers, ending, sampling, summary
    from bridge.commands import configured_by

    brokers: str | None = options.brokers
    if options.reads_kafka:
        brokers, inspection, cluster = sampling.connected(options)
        topics = sampling.chosen_topics(options, cluster)
        records = sampling.of_topics(options, brokers, inspection, cluster, topics)
    else:
        records = sampling.of_files(options)
        topics = tuple(sorted({record.topic for record in records}))
    options, schemas, proposal = _proposed(options, records, topics)
    sampling.refuse_unreadable(proposal)
    if options.asks and not as_json:
        summary.show(proposal)
    options, proposal = answers.asked(options, proposal)
    path, secrets, missing = _written(options, brokers, topics, proposal, schemas)
    if path is None:
        output.result({"written": None}, "Nothing was written.", as_json=as_json)
        return ExitCode.FINDINGS
    configured_by(str(path))
    if not as_json:
        if not options.asks:
            summary.show(proposal)  # after the file: whoever reads no more than the first lines has it, too
        output.lines([f"Written: {path}", ""])
    review = ending.look(path, records, options.schemas, secrets, has_brokers=options.reads_kafka)
    if as_json:
        output.document({"written": str(path)} | summary.document(proposal) | review.document() | {"to_do": missing})
    else:
        review.show()
        samples = () if options.raw else options.samples
        ending.next_steps(missing, samples, is_of_topics=options.reads_kafka, has_examples=review.has_examples)
    return review.code


def _proposed(
    options: InitOptions, records: Sequence[Record], topics: Sequence[str]
) -> tuple[InitOptions, CommandSchemas, Proposal]:
    """Where records name schemas and nobody said where these are, that is asked."""
    from bridge.cli.init import answers, asking
    from bridge.config.sections import SchemaRegistry
    from bridge.proposal.documents import TopicFormat
    from bridge.proposal.propose import propose
    from bridge.registry.commands import open_schemas

    protobuf = None
    if options.descriptor_set is not None:
        content = _content(options.descriptor_set, options.message_type)
        protobuf = TopicFormat("protobuf", descriptor_set=content, message_type=options.message_type)
    while True:
        section = None if options.registry is None else SchemaRegistry.model_validate({"urls": [options.registry]})
        schemas = open_schemas(options.schemas, section)
        proposal = propose(records, schemas, topics, protobuf)
        if schemas.trouble is not None and not options.asks:
            raise schemas.trouble
        if schemas.trouble is not None:
            asking.say(str(schemas.trouble))
            options = replace(options, registry=None)
        needed = any(each.topic.lacks_schemas for each in proposal.topics)
        if schemas.trouble is None and (not needed or not options.asks or options.registry is not None):
            return options, schemas, proposal
        answer = asking.ask("Records name schemas. The schema registry's address?", "none", answers.registry_fault)
        if answer == "none":
            return options, schemas, proposal
        options = replace(options, registry=answer)


def _content(path: Path, message_type: str | None) -> bytes:
    from bridge.decode.protobuf import row as protobuf
    from bridge.errors import Misuse

    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misuse(f"--descriptor-set {path} cannot be read: {error.strerror}.") from error
    problem = protobuf.problem_of(content, message_type)
    if problem is not None:
        key, why = problem
        option = "--message-type" if key == "message_type" else "--descriptor-set"
        raise Misuse(f"{option} {message_type if key == 'message_type' else path}: {why}.")
    return content


# --- the file


def _written(
    options: InitOptions,
    brokers: str | None,
    topics: Sequence[str],
    proposal: Proposal,
    schemas: CommandSchemas,
) -> tuple[Path | None, Mapping[str, str], list[str]]:
    """Where it was written, what its variables stand for, and which of them have to be set."""
    from bridge import __version__
    from bridge.cli.init import given
    from bridge.proposal.file.page import Connections
    from bridge.proposal.file.write import configuration_of

    properties, secrets = given.kept_secret(options.properties)
    connections = Connections(
        tuple(topics),
        group_id=options.group,
        start_from=options.start_from or "latest",
        properties=properties,
        registry=options.registry,
        api_key_file=None if options.api_key_file is None else given.seen_from(options.output, options.api_key_file),
        descriptor_set_file=None if options.descriptor_set is None else str(options.descriptor_set.absolute()),
    )
    if brokers is not None:
        connections = replace(connections, bootstrap_servers=brokers)
    if options.endpoint is not None:
        connections = replace(connections, endpoint=options.endpoint)
    path = _place(options)
    if path is None:
        return None, {}, []
    text = configuration_of(proposal, connections, schemas, __version__)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    missing = [
        *(["set USERPILOT_ENDPOINT, the host of your environment"] if options.endpoint is None else []),
        *(["set USERPILOT_API_KEY, or track.api_key_file in the file"] if options.api_key_file is None else []),
        *(["set KAFKA_BOOTSTRAP_SERVERS, or kafka.bootstrap_servers in the file"] if brokers is None else []),
        *(
            ["look at kafka.topics in the file: samples that name no topic are of the file's name"]
            if not options.reads_kafka and not options.topics
            else []
        ),
        *(f"set {name}, which the file reads" for name in secrets),
        *_later(options, proposal),
    ]
    return path, secrets, missing


def _later(options: InitOptions, proposal: Proposal) -> Iterator[str]:
    """What has to be there before anything can be sent."""
    if options.api_key_file is not None and not Path(options.api_key_file).exists():
        yield f"put the API key into {options.api_key_file}, which is not there yet"
    for each in proposal.topics:
        if each.topic.lacks_schemas and options.registry is None:
            yield f"set schema_registry in the file: records of {each.topic.name} name schemas. Then do this again"
        elif not each.topic.documents:
            yield f"do this again once {each.topic.name} has events that can be read: it has no route yet"


def _place(options: InitOptions) -> Path | None:
    """Never a file that exists, unless somebody agreed."""
    from bridge.cli.init import asking
    from bridge.errors import Misuse

    path = options.output
    while path.exists() and not options.yes:
        if not options.asks:
            raise Misuse(f"{path} exists, and is not overwritten: give --yes for that, or another name with --output.")
        if asking.agreed(f"{path} exists. Overwrite it?", default=False):
            return path
        answer = asking.ask("Another name, or Enter to write nothing.", "nothing")
        if answer == "nothing":
            return None
        path = Path(answer)
    return path
