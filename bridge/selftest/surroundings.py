"""What a self-test has around it: a broker with topics of its own, and the configuration for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.sandbox.broker import BrokerProcess
from bridge.sandbox.child_processes import ChildProcesses
from bridge.sandbox.own_topics import OwnTopics
from bridge.selftest import tested_configuration
from bridge.selftest.options import Options
from bridge.selftest.overrides import Site
from bridge.selftest.tested_configuration import ConfigurationUnderTest

FIRST_KEY: Final = "NX-selftest-key-0"
LETTERS_BROKER: Final = 2
"""Leads the dead-letter topic on the embedded cluster, which has two brokers; the first leads all others."""
LETTER_PARTITIONS: Final = 4


@dataclass(frozen=True, slots=True)
class SelftestSurroundings:
    """Everything that is there before the first replica."""

    site: Site
    tested: ConfigurationUnderTest
    replica_config: Path
    """The file that the replicas run with."""
    broker: BrokerProcess | None

    @property
    def client(self) -> dict[str, str]:
        """Reaches the cluster; for the self-test's own clients."""
        return tested_configuration.client(self.tested.config)

    @property
    def letter_partitions(self) -> dict[str, int]:
        """How many partitions the dead-letter topic has, for a `TopicReader`."""
        return {self.site.letters: LETTER_PARTITIONS}


@contextmanager
def embedded(
    options: Options, processes: ChildProcesses, folder: Path, endpoint: str
) -> Iterator[SelftestSurroundings]:
    """An embedded Kafka in a process of its own."""
    topics = tested_configuration.selftest_topics(options.config, prefix="")
    site = Site("", "", options.session, endpoint, _key_file(folder), has_users=False)
    broker = BrokerProcess(processes, {**topics.partitions, **_letter_topics(site)})
    for topic, count in topics.partitions.items():
        broker.lead(topic, count, 1)
    for topic, count in _letter_topics(site).items():
        broker.lead(topic, count, LETTERS_BROKER)
    site = site.at(broker.bootstrap)
    file = folder / "bridge.yaml"
    yield SelftestSurroundings(site, tested_configuration.prepare(options.config, site, topics, file), file, broker)


@contextmanager
def on_cluster(
    options: Options, bootstrap: str, folder: Path, endpoint: str, tell: Callable[[str], None]
) -> Iterator[SelftestSurroundings]:
    """Topics and a group of unique names on a given cluster, deleted at the end. Raises `ClusterError`.

    `tell` hears of what could not be deleted.
    """
    prefix = f"bridge-selftest-{uuid4().hex[:8]}."
    topics = tested_configuration.selftest_topics(options.config, prefix)
    site = Site(bootstrap, prefix, options.session, endpoint, _key_file(folder), has_users=True)
    file = folder / "bridge.yaml"
    made = tested_configuration.prepare(options.config, site, topics, file)
    own = OwnTopics(tested_configuration.client(made.config), {**topics.partitions, **_letter_topics(site)}, site.group)
    try:
        with own:
            yield SelftestSurroundings(site, made, file, None)
    finally:
        for left in own.left_behind:
            tell(f"{left} could not be deleted: delete it yourself")


def _letter_topics(site: Site) -> dict[str, int]:
    return {site.letters: LETTER_PARTITIONS, resolutions_of(site.letters): LETTER_PARTITIONS}


def _key_file(folder: Path) -> Path:
    path = folder / "key"
    path.write_text(f"{FIRST_KEY}\n")
    return path
