"""``bridge check``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import output, startup
from bridge.cli.exits import ExitCode, Misuse

if TYPE_CHECKING:
    from bridge.cli.checks.findings import Area
    from bridge.track.credentials import ApiKey


def check(
    config: startup.ConfigPath = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only what this machine can tell: the configuration and the key file.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document with all findings.")] = False,
) -> ExitCode:
    """Look at everything the bridge needs, and forecast its work.

    Configuration, brokers, topics, permissions, the API and its key; how long the backlog takes; and what the newest
    records show the mapping not to mean.
    Sends nothing, commits nothing, changes nothing.
    """
    from bridge.cli.checks import findings

    try:
        start = startup.load(config)
        key = startup.api_key(start)
        areas = [_configuration(start)]
        if not offline:
            areas += _online(start, key)
    except startup.Refused as refused:
        if not json:
            raise
        mended = [findings.problem(str(each), "", refused.code) for each in refused.problems]
        areas = [findings.Area("Configuration", mended)]
    if json:
        output.document(findings.document(areas))
    else:
        findings.show(areas)
    return findings.exit_code(areas)


def _configuration(start: startup.Start) -> Area:
    from bridge.cli.checks import findings, mapped_topics
    from bridge.config.consumed_topics import topics_of
    from bridge.mapping.cautions import of_examples

    mapping = start.config.mapping
    routes = sum(len(rule) for rule in mapping.events.values() if rule != "drop")
    drops = sum(rule == "drop" for rule in mapping.events.values())
    found = [
        findings.ok(f"{start.path} is complete."),
        findings.ok(
            f"{output.plural(routes, 'route')}, {output.plural(drops, 'type')} dropped by rule; other types: "
            f"{mapping.on_unmapped.replace('_', ' ')}."
        ),
        *(findings.warning(f"{warning}.", "remove it unless you need it") for warning in start.warnings),
        *mapped_topics.unfit(mapping, topics_of(start.config.kafka)),
    ]
    if mapping.examples:
        found.append(findings.ok(f"{output.plural(len(mapping.examples), 'example')}; bridge test runs them."))
        for example, warnings in zip(mapping.examples, of_examples(start.mapping, mapping.examples), strict=True):
            found += [findings.warning(f"Example {example.name!r}: {each.what}", each.to_do) for each in warnings]
    else:
        found.append(
            findings.note(
                "The mapping has no examples, so nothing shows that it does what you mean.", "add mapping.examples"
            )
        )
    return findings.Area("Configuration", found)


def _online(start: startup.Start, key: ApiKey) -> list[Area]:
    import asyncio

    from bridge.cli.checks import api, cluster, findings
    from bridge.kafka.client import ClientRefusedError
    from bridge.track import probe
    from bridge.track.request import Endpoint
    from bridge.track.tls import CaFileError, client_context

    track = start.config.track
    try:
        tls = client_context(track.ca_file)
        with output.waiting("Asking the brokers"):
            areas = cluster.look(start.config, start.mapping, startup.quiet_logger(), patience=startup.PATIENCE)
    except (ClientRefusedError, CaFileError) as refused:
        raise Misuse(f"{start.path}: {refused}") from refused
    proxy = start.proxy if track.client != "direct" else None
    with output.waiting("Asking the Track API"):
        probed = asyncio.run(
            probe.probe(Endpoint.parse(track.endpoint), key, timeout=track.timeout, tls=tls, proxy=proxy)
        )
    return [*areas, findings.Area("Track API", api.api(probed))]
