"""``bridge check``"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bridge import exits
from bridge.cli.frame import output, progress, startup
from bridge.cli.frame.help import about
from bridge.text.amounts import plural
from bridge.text.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.cli.checks.findings import Area, Finding
    from bridge.config.sections import Config
    from bridge.track.credentials import ApiKey


@about(
    ("Look at everything, and forecast how long the backlog takes", "check -c bridge.yaml"),
    ("In a build, where neither Kafka nor the API can be reached", "check --offline --json"),
    findings="A problem the configuration is not the cause of: the API refuses the key, a committed offset is "
    "outside its log.",
    unreachable="A broker or the API does not answer.",
)
def check(
    config: startup.ConfigPath = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only what this machine can tell: the configuration and the key file.")
    ] = False,
    detailed: Annotated[
        bool,
        typer.Option("--detailed-exit-code", help=f"One exit code for each kind of finding: {exits.kinds_sentence()}."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document with all findings.")] = False,
) -> int:
    """Look at everything the bridge needs, and forecast its work.

    Configuration, brokers, topics, permissions, the group and its members, the API and its key; how long the backlog
    takes; and what the newest records show the mapping not to mean.
    Sends nothing, commits nothing, changes nothing.
    """
    from bridge.cli.checks import findings

    try:
        start = startup.load(config)
        key = startup.api_key(start)
        own = _configuration(start, offline=offline)
        areas = [own] if offline else [own, *_online(start, key, is_usable=not findings.problems(own))]
    except startup.Refused as refused:
        areas = [findings.refused(refused.problems)]
        if not json:
            sys.stderr.write(f"{printable_lines(str(refused))}\n")
            return _code(areas, detailed=detailed)
    if json:
        output.document(findings.document(areas))
    else:
        findings.show(areas)
    return _code(areas, detailed=detailed)


def _code(areas: Sequence[Area], *, detailed: bool) -> int:
    from bridge.cli.checks import findings

    return findings.detailed_exit_code(areas) if detailed else findings.exit_code(areas)


def _configuration(start: startup.LoadedConfiguration, *, offline: bool) -> Area:
    from bridge.cli.checks import findings
    from bridge.cli.checks import mapping as mapping_checks
    from bridge.config.topics.consumed_topics import topics_of

    mapping = start.config.mapping
    routes = sum(len(rule) for rule in mapping.events.values() if rule != "drop")
    drops = sum(rule == "drop" for rule in mapping.events.values())
    found = [
        findings.ok(f"{start.path} is complete."),
        findings.ok(
            f"{plural(routes, 'route')}, {plural(drops, 'type')} dropped by rule; other types: "
            f"{mapping.on_unmapped.replace('_', ' ')}."
        ),
        *(findings.ok(each) for each in _files(start)),
        *(findings.warning(f"{warning}.", "correct it, or remove it unless you need it") for warning in start.warnings),
        *mapping_checks.unfit(mapping, topics_of(start.config.kafka)),
        *_refused_by_the_client(start, offline=offline),
        *mapping_checks.examples(start.mapping, mapping.examples),
    ]
    return findings.Area("Configuration", found)


def _files(start: startup.LoadedConfiguration) -> Iterator[str]:
    """Where they are, whatever the working directory is."""
    track = start.config.track
    if track.api_key_file is not None:
        yield f"The API key is read from {track.api_key_file}."
    if track.ca_file is not None:
        yield f"Certificate authorities are read from {track.ca_file}, too."


def _refused_by_the_client(start: startup.LoadedConfiguration, *, offline: bool) -> list[Finding]:
    """What no single property is wrong by: several together, and files that cannot be used.

    Offline, this need not be the machine of the bridge: what is not here may be there.
    """
    from bridge.cli.checks import findings
    from bridge.exits import FindingKind
    from bridge.kafka import client
    from bridge.kafka.client_log import ClientLog

    config = start.config
    consumer, producer, absent = _without_files(config)
    log = ClientLog(startup.quiet_logger())
    to_do = "see that the file is where the bridge runs, and that its user may read it"
    found = [
        findings.warning(f"{name}: {why}.", to_do)
        if offline
        else findings.problem(f"{name}: {why}.", to_do, FindingKind.CONFIGURATION)
        for name, why in absent.items()
    ]
    try:
        client.try_consumer(config.kafka.model_copy(update={"properties": consumer}), log)
        nothing_over = config.dead_letter.model_copy(update={"properties": {}})
        client.try_producer(config.kafka.model_copy(update={"properties": producer}), nothing_over, log)
    except client.ClientRefusedError as refused:
        found.append(_refused(refused))
    return found


def _without_files(config: Config) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Properties of the consumer, and of the producer, that need nothing this machine lacks; what it lacks, by key.

    The dead-letter producer has the properties of both maps.
    """
    from bridge.kafka.client_properties import without_files

    properties, own = config.kafka.properties, config.dead_letter.properties
    consumer, absent = without_files(properties)
    producer, also = without_files({**properties, **own})
    sections = {name: "dead_letter" if name in own else "kafka" for name in also}
    named = {f"kafka.properties.{name}": why for name, why in absent.items()}
    return consumer, producer, named | {f"{sections[name]}.properties.{name}": why for name, why in also.items()}


def _refused(refused: Exception) -> Finding:
    """By the client library, of properties that are right each for itself."""
    from bridge.cli.checks import findings
    from bridge.exits import FindingKind

    return findings.problem(f"{refused}.", "correct the properties it names", FindingKind.CONFIGURATION)


def _online(start: startup.LoadedConfiguration, key: ApiKey, *, is_usable: bool) -> list[Area]:
    """Without brokers where the configuration makes no client: that was said already."""
    from bridge.cli.checks import cluster, findings
    from bridge.kafka.client import ClientRefusedError

    if not is_usable:
        return [_track_api(start, key)]
    try:
        with progress.waiting("Asking the brokers"):
            areas = cluster.look(start.config, start.mapping, startup.quiet_logger(), patience=startup.PATIENCE)
    except ClientRefusedError as refused:
        # Logins that begin to talk at once are tried here for the first time: see `client.try_consumer`.
        areas = [findings.Area("Kafka", [_refused(refused)])]
    return [*areas, _track_api(start, key)]


def _track_api(start: startup.LoadedConfiguration, key: ApiKey) -> Area:
    import asyncio

    from bridge.cli.checks import api, findings
    from bridge.exits import FindingKind
    from bridge.track import probe
    from bridge.track.request import Endpoint
    from bridge.track.tls import CaFileError, client_context

    track = start.config.track
    try:
        tls = client_context(track.ca_file)
    except CaFileError as refused:
        to_do = "name a PEM file with the authority's certificate, which this user may read"
        return findings.Area("Track API", [findings.problem(f"{refused}.", to_do, FindingKind.CONFIGURATION)])
    proxy = start.proxy if track.client != "direct" else None
    with progress.waiting("Asking the Track API"):
        probed = asyncio.run(
            probe.probe(Endpoint.parse(track.endpoint), key, timeout=track.timeout, tls=tls, proxy=proxy)
        )
    return findings.Area("Track API", api.api(probed))
