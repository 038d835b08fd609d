"""A plan is of one mapping, group, cluster and topic; whatever is another one is refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.backfill.manifest import Manifest, PlannedTopic
from bridge.backfill.planning.plan import mapping_hash, refuse_other_mapping, refuse_other_topics, topic_notes
from bridge.cli.frame import startup
from bridge.config.fingerprint import ENGINE_VERSION
from bridge.errors import Misuse
from bridge.kafka.admin.inspection import TopicSettings
from tests.unit.cli.conftest import config  # noqa: F401 - a fixture

Config = Callable[..., str]


@pytest.fixture
def start(config: Config) -> startup.LoadedConfiguration:  # noqa: F811 - the fixture above
    return startup.load(Path(config()))


@pytest.fixture
def planned(manifest: Manifest, start: startup.LoadedConfiguration) -> Manifest:
    """Of this configuration."""
    return replace(manifest, mapping_hash=mapping_hash(start.config, start.mapping), engine=ENGINE_VERSION)


def test_the_mapping_of_the_plan_is_taken(planned: Manifest, start: startup.LoadedConfiguration) -> None:
    refuse_other_mapping(planned, start.config, start.mapping)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"group": "other"}, "was made for the group other"),
        ({"engine": ENGINE_VERSION + 1}, "maps records in another way"),
        ({"mapping_hash": "0" * 16}, "The mapping has changed"),
    ],
)
def test_another_mapping_group_or_version_is_refused(
    planned: Manifest, start: startup.LoadedConfiguration, change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Misuse, match=sentence):
        refuse_other_mapping(replace(planned, **change), start.config, start.mapping)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new"),
    [("amount: data.amount", "amount: data.total"), ("event_name: Order Completed", "event_name: Order Done")],
)
def test_whatever_changes_a_row_changes_the_hash(
    start: startup.LoadedConfiguration,
    config: Config,  # noqa: F811 - as above
    old: str,
    new: str,
) -> None:
    other = startup.load(Path(config(old, new)))

    assert mapping_hash(other.config, other.mapping) != mapping_hash(start.config, start.mapping)


HERE = {"shop.orders": PlannedTopic("AAAAAAAAAAAAAAAAAAAAAQ", 2)}


def test_the_topics_of_the_plan_are_taken_and_growth_is_told(manifest: Manifest) -> None:
    assert refuse_other_topics(manifest, "cluster-1", HERE) == []
    grown = {"shop.orders": replace(HERE["shop.orders"], partitions=3)}
    assert "has 1 partition more than when the plan was made" in refuse_other_topics(manifest, "cluster-1", grown)[0]


@pytest.mark.parametrize(
    ("cluster", "topics", "sentence"),
    [
        ("cluster-2", HERE, "made on the cluster cluster-1, and the configuration leads to cluster-2"),
        ("cluster-1", {}, "shop.orders is not there any more"),
        ("cluster-1", {"shop.orders": PlannedTopic("BBBBBBBBBBBBBBBBBBBBBQ", 2)}, "deleted and created again"),
    ],
)
def test_another_cluster_or_topic_is_refused(
    manifest: Manifest, cluster: str, topics: dict[str, PlannedTopic], sentence: str
) -> None:
    with pytest.raises(Misuse, match=sentence):
        refuse_other_topics(manifest, cluster, topics)


def test_what_a_topics_settings_mean_for_its_history_is_told() -> None:
    notes = topic_notes({"a": TopicSettings(True, False, -1, 1), "b": TopicSettings(False, True, 604_800_000, 1)})

    assert "a is compacted" in notes[0]
    assert "b: records are deleted when they are 7 d 0 h old" in notes[1]
