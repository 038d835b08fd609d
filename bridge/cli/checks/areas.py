"""What `track-bridge check` asks of this machine of the API, and by way of `cluster` of the brokers: an area each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bridge.aws.failures import AwsLoginError
from bridge.cli.checks import cluster, findings, registry_files
from bridge.cli.checks import mapping as mapping_checks
from bridge.cli.checks.findings import Area, Finding
from bridge.cli.frame import progress, startup
from bridge.cli.samples.lint import UNREAD
from bridge.config.sections import Config
from bridge.config.topics.consumed_topics import topics_of
from bridge.exits import FindingKind
from bridge.kafka import client
from bridge.kafka.client import ClientRefusedError
from bridge.kafka.client_log import ClientLog
from bridge.kafka.client_properties import without_files
from bridge.lint.linting import ignored_at
from bridge.lint.subject import LintEvidence
from bridge.mapping.destination import destination_of
from bridge.mapping.review.route_advice import route_advice
from bridge.text.amounts import plural
from bridge.track import probe
from bridge.track.credentials import ApiKey
from bridge.track.request import Endpoint
from bridge.track.tls import CaFileError, client_context

_TO_DO = {
    probe.Step.RESOLVE: "check track.endpoint, and the name servers of this machine",
    probe.Step.CONNECT: "check track.endpoint, firewalls and the proxy variables of the environment",
    probe.Step.TLS: "check track.endpoint; for a private certificate authority set track.ca_file",
    probe.Step.KEY: "put the API key of this Userpilot environment (not the app token) where track.api_key_file or "
    "track.api_key says, and see that track.endpoint is the host of the same environment",
}


def configuration(start: startup.LoadedConfiguration, *, offline: bool) -> Area:
    """What this machine can tell of it."""
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
        *(() if start.config.schema_registry is None else registry_files.unusable(start.config.schema_registry)),
        *mapping_checks.unfit(mapping, topics_of(start.config.kafka), ignored=ignored_at(start.config, UNREAD)),
        *(findings.note(each.what, each.to_do) for each in route_advice(mapping, destination_of(start.config.track))),
        *_refused_by_the_client(start, offline=offline),
        *mapping_checks.examples(start.mapping, mapping.examples),
    ]
    return Area("Configuration", found)


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
        found.append(_refused_properties(refused))
    return found


def _without_files(config: Config) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Properties of the consumer, and of the producer, that need nothing this machine lacks; what it lacks, by key.

    The dead-letter producer has the properties of both maps.
    """
    properties, own = config.kafka.properties, config.dead_letter.properties
    consumer, absent = without_files(properties)
    producer, also = without_files({**properties, **own})
    sections = {name: "dead_letter" if name in own else "kafka" for name in also}
    named = {f"kafka.properties.{name}": why for name, why in absent.items()}
    return consumer, producer, named | {f"{sections[name]}.properties.{name}": why for name, why in also.items()}


def _refused_properties(refused: Exception) -> Finding:
    """By the client library, of properties that are right each for itself."""
    return findings.problem(f"{refused}.", "correct the properties it names", FindingKind.CONFIGURATION)


def offline(start: startup.LoadedConfiguration) -> list[Area]:
    """The mapping beside descriptor sets, which no registry is needed for."""
    names = topics_of(start.config.kafka).names
    if all(start.mapping.topic(name).settings.format.descriptor_set is None for name in names):
        return []
    from bridge.cli.checks import schemas

    alone = start.config.model_copy(update={"schema_registry": None})
    return schemas.look(alone, start.mapping, names, patience=startup.PATIENCE)


def online(
    start: startup.LoadedConfiguration, key: ApiKey, evidence: LintEvidence | None = None, *, is_usable: bool
) -> list[Area]:
    """Without brokers where the configuration makes no client: that was said already. What they show goes into
    `evidence`, too.
    """
    if not is_usable:
        return [_track_api(start, key)]
    try:
        with progress.waiting("Asking the brokers"):
            areas = cluster.look(
                start.config, start.mapping, startup.quiet_logger(), evidence, patience=startup.PATIENCE
            )
    except AwsLoginError as failed:
        to_do = "do what it says; docs/kafka-logins.md has more on each login"
        areas = [Area("Kafka", [findings.problem(f"No login at Kafka: {failed}.", to_do, FindingKind.KAFKA_LOGIN)])]
    except ClientRefusedError as refused:
        # Logins that begin to talk at once are tried here for the first time: see `client.try_consumer`.
        areas = [Area("Kafka", [_refused_properties(refused)])]
    return [*areas, _track_api(start, key)]


def _track_api(start: startup.LoadedConfiguration, key: ApiKey) -> Area:
    track = start.config.track
    try:
        tls = client_context(track.ca_file)
    except CaFileError as refused:
        to_do = "name a PEM file with the authority's certificate, which this user may read"
        return Area("Track API", [findings.problem(f"{refused}.", to_do, FindingKind.CONFIGURATION)])
    proxy = start.proxy if track.client != "direct" else None
    with progress.waiting("Asking the Track API"):
        probed = asyncio.run(
            probe.probe(Endpoint.parse(track.endpoint), key, timeout=track.timeout, tls=tls, proxy=proxy)
        )
    return Area("Track API", [_finding(each) for each in probed])


def _finding(probed: probe.ProbeFinding) -> Finding:
    """A refused key does not keep the bridge from starting: it holds until the key is fixed."""
    sentence = f"{_capitalised(probed.sentence)}."
    match probed.result:
        case probe.ProbeResult.OK:
            return findings.ok(sentence)
        case probe.ProbeResult.UNKNOWN:
            return findings.note(sentence)
        case probe.ProbeResult.FAILED:
            kind = FindingKind.API_KEY if probed.step is probe.Step.KEY else FindingKind.API
            return findings.problem(sentence, _TO_DO[probed.step], kind)


def _capitalised(sentence: str) -> str:
    """Unless it begins with a host's name."""
    first = sentence.split(" ", 1)[0]
    return sentence if "." in first or ":" in first else f"{sentence[:1].upper()}{sentence[1:]}"
