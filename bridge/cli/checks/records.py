"""The newest records through the mapping: what they show it not to mean."""

from __future__ import annotations

import time
from collections.abc import Mapping
from logging import Logger

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Area, Finding
from bridge.commands import command
from bridge.config.sections import Config
from bridge.kafka.admin import sampler
from bridge.kafka.admin.inspection import Inspection
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.cautions import cautions
from bridge.mapping.review.coverage import Coverage
from bridge.model import Failed, TopicPartition
from bridge.text.amounts import plural, thousands

LIMIT = 200
"""Records, of all partitions together."""


def look(
    config: Config,
    mapping: CompiledMapping,
    inspection: Inspection,
    sources: Mapping[str, int],
    logger: Logger,
    *,
    patience: float,
) -> list[Area]:
    """None where there is nothing to look at. `sources` are partition counts of the consumed topics."""
    partitions = [TopicPartition(topic, number) for topic, count in sources.items() for number in range(count)]
    wanted = sampler.shares(inspection.logs(partitions), LIMIT, sampler.End.NEWEST) if partitions else {}
    if not wanted:
        return []
    seen, letters, count = Coverage(mapping), 0, 0
    now = time.time()
    found: list[Finding] = []
    try:
        for record in sampler.read(config.kafka, wanted, logger, silence=patience):
            outcomes = mapping.map(record, now)
            seen.add(record, outcomes)
            letters += any(isinstance(outcome, Failed) for outcome in outcomes)
            count += 1
    except sampler.PeekError as error:
        found.append(findings.note(f"Not all of the newest records could be looked at: {error}"))
    return [Area("Records", [*_counted(count, letters), *found, *_cautions(seen)])]


def _counted(count: int, letters: int) -> list[Finding]:
    if not count:
        return []
    looked = f"The newest {plural(count, 'record')} of the consumed topics, through the mapping"
    if not letters:
        return [findings.ok(f"{looked}: none would be a dead letter.")]
    return [
        findings.note(
            f"{looked}: {thousands(letters)} would be a dead letter.", f"`{command('map', '--from-topic')}` says why"
        )
    ]


def _cautions(seen: Coverage) -> list[Finding]:
    return [findings.warning(each.what, each.to_do) for each in cautions(seen)]
