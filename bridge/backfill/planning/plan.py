"""The manifest of a plan, and whether what is there now is still what was planned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge import __version__
from bridge.backfill.manifest import BackfillSettings, Manifest, PlannedRange
from bridge.backfill.run_directory import plan_again
from bridge.config.fingerprint import ENGINE_VERSION, mapping_number
from bridge.errors import Misuse
from bridge.kafka import topic_ids
from bridge.text import moments
from bridge.text.amounts import plural, span

if TYPE_CHECKING:
    from bridge.backfill.manifest import PlannedTopic
    from bridge.backfill.planning.cluster import HistoryCluster
    from bridge.config.sections import Config
    from bridge.kafka.admin.inspection import TopicSettings
    from bridge.mapping.mapper import CompiledMapping


def mapping_hash(config: Config, mapping: CompiledMapping) -> str:
    """16 hex digits, which change with whatever could change a row."""
    routes = [[route.name, route.hash] for route in mapping.routes]
    text = json.dumps([mapping_number(config.mapping), sorted(routes)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def manifest_of(
    config: Config,
    mapping: CompiledMapping,
    cluster: HistoryCluster,
    ranges: Sequence[PlannedRange],
    settings: BackfillSettings,
    *,
    cut: bool,
) -> Manifest:
    """As it is saved first."""
    topics = {each.topic for each in ranges}
    return Manifest(
        bridge=__version__,
        created=moments.written(datetime.now(UTC), "seconds"),
        mapping_hash=mapping_hash(config, mapping),
        engine=ENGINE_VERSION,
        cluster_id=cluster.id,
        group=config.kafka.group_id,
        topics={name: topic for name, topic in cluster.topics.items() if name in topics},
        ranges=tuple(ranges),
        settings=settings,
        cut=cut,
    )


def topic_notes(settings: Mapping[str, TopicSettings]) -> list[str]:
    """What the topics' settings mean for their history."""
    notes = []
    for name, each in sorted(settings.items()):
        if each.compacted:
            notes.append(
                f"{name} is compacted: of each key only the newest records are left, and events that were removed "
                "cannot be brought in from here."
            )
        if each.deletes and each.retention_ms >= 0:
            age = span(each.retention_ms / 1000)
            notes.append(f"{name}: records are deleted when they are {age} old. `write` before the oldest are.")
    return notes


def refuse_other_mapping(manifest: Manifest, config: Config, mapping: CompiledMapping) -> None:
    """Raises `Misuse` where rows would be made by another mapping, or of another group, than was planned."""
    if manifest.group != config.kafka.group_id:
        raise Misuse(
            f"The plan was made for the group {manifest.group}, and the configuration has {config.kafka.group_id}: "
            "give the configuration that it was made with, or plan again in a new folder."
        )
    if manifest.engine != ENGINE_VERSION:
        raise Misuse(
            f"The plan was made by bridge {manifest.bridge}, which maps records in another way than this one "
            f"({__version__}): continue with that version, or {plan_again()}."
        )
    if manifest.mapping_hash != mapping_hash(config, mapping):
        raise Misuse(
            "The mapping has changed since the plan was made, so the rows would not be those of the same mapping: "
            f"give the configuration that the plan was made with, or {plan_again()}."
        )


def refuse_other_topics(manifest: Manifest, cluster_id: str, now: Mapping[str, PlannedTopic]) -> list[str]:
    """What has changed and does not matter, as sentences. Raises `Misuse` where the plan's offsets are of other logs.

    `now` has the planned topics that are there.
    """
    if manifest.cluster_id and cluster_id and manifest.cluster_id != cluster_id:
        raise Misuse(
            f"The plan was made on the cluster {manifest.cluster_id}, and the configuration leads to {cluster_id}: "
            "offsets mean nothing there. Give the configuration of the plan, or plan again in a new folder."
        )
    notes = []
    for name, planned in sorted(manifest.topics.items()):
        found = now.get(name)
        if found is None:
            raise Misuse(
                f"The topic {name} is not there any more, or this user may not see it: nothing is left to read."
            )
        if topic_ids.differ(planned.id, found.id):
            raise Misuse(
                f"The topic {name} was deleted and created again since the plan was made: the planned offsets are of "
                "the earlier one. Plan again in a new folder."
            )
        if found.partitions > planned.partitions:
            more = plural(found.partitions - planned.partitions, "partition")
            notes.append(
                f"{name} has {more} more than when the plan was made. They are not in it: the running bridge reads "
                "added partitions from their beginning."
            )
    return notes
