"""What a self-test has around it: a broker with topics of its own, and the user's configuration pointed at these."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from bridge.config import load
from bridge.config.sections import Config
from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import topics_of as consumed_by
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.kafka.client import OAUTH_CB
from bridge.kafka.login import msk_login
from bridge.mapping.compile import compile_mapping
from bridge.mapping.destination import destination_of
from bridge.mapping.mapper import CompiledMapping
from bridge.registry.commands import CommandMapping, open_schemas
from bridge.sandbox import sample
from bridge.sandbox.broker import BrokerProcess
from bridge.sandbox.child_processes import ChildProcesses
from bridge.sandbox.own_topics import OwnTopics
from bridge.sandbox.sample import SampleRecord
from bridge.selftest import events, overrides
from bridge.selftest.overrides import OF_THE_CLUSTER, Given, Site
from bridge.selftest.schedule import Options

_PARTITIONS: Final = 4
"""Of a topic of the user's."""


@dataclass(frozen=True, slots=True)
class SelftestTopics:
    """The topics of a self-test, the dead-letter topics aside."""

    names: Mapping[str, str]
    """The name each has in the configuration, and the one it has here."""
    partitions: Mapping[str, int]
    """By the name it has here."""


@dataclass(frozen=True, slots=True)
class ConfigurationUnderTest:
    """A configuration, ready to run, and what it is fed with."""

    config: Config
    mapping: CompiledMapping
    topics: SelftestTopics
    examples: Sequence[events.Pattern] | None
    """None: the sample's own records are sent."""

    def records(self, count: int, seed: int) -> Iterator[SampleRecord]:
        """What to produce."""
        users = max(10, count // 100)
        if self.examples is not None:
            yield from events.records(self.examples, count, users, seed)
            return
        for number, record in enumerate(sample.sample(count, users, seed).records):
            used = SampleRecord(self.topics.names[record.topic], record.key, record.value)
            yield events.marked(used, number)


def topics_of(config: Config) -> tuple[str, ...]:
    """The topics the self-test makes: those named, and those of the examples that a pattern takes."""
    named = [topic for topic in config.kafka.topics if not topic_patterns.is_pattern(topic)]
    shown = [example.record.topic for example in config.mapping.examples if example.record is not None]
    consumed = consumed_by(config.kafka)
    return tuple(dict.fromkeys([*named, *filter(consumed.takes, shown)]))


def selftest_topics(config: Config, prefix: str) -> SelftestTopics:
    """Those of the configuration; those of the sample where its mapping is the configuration's.

    Raises `events.NoEventError` where patterns alone say which topics there are.
    """
    from_sample = not config.mapping.examples
    own = tuple(sample.TOPICS) if from_sample else topics_of(config)
    if not own:
        raise events.NoEventError
    names = {topic: f"{prefix}{topic}" for topic in own}
    return SelftestTopics(
        names, {used: sample.TOPICS[topic] if from_sample else _PARTITIONS for topic, used in names.items()}
    )


def prepare(config: Config, site: Site, topics: SelftestTopics, file: Path) -> ConfigurationUnderTest:
    """Write the configuration that the replicas run with. Raises `events.NoEventError`."""
    document = overrides.document(Given(config, site, topics.names))
    # JSON is YAML, and a writer of YAML 1.1 would leave out quotes that a reader of 1.2 needs.
    file.write_text(json.dumps(_escaped(document), ensure_ascii=False, indent=1), encoding="utf-8")
    loaded = load.read(file, {})
    if loaded.config is None:
        raise RuntimeError(f"the self-test's own configuration is broken: {loaded.problems}")
    schemas = open_schemas(None, loaded.config.schema_registry)
    mapping = compile_mapping(
        loaded.config.mapping, schemas, CommandMapping, destination=destination_of(loaded.config.track)
    )
    if not isinstance(mapping, CompiledMapping):
        raise RuntimeError(f"the self-test's own mapping is broken: {mapping}")  # noqa: TRY004 - not about its type
    examples = events.patterns(mapping, config.mapping.examples, topics.names) if config.mapping.examples else None
    return ConfigurationUnderTest(loaded.config, mapping, topics, examples)


def client(config: Config) -> dict[str, Any]:
    """What reaches the cluster, for the self-test's own clients."""
    login = msk_login.login_of(config.kafka)
    ours = {} if login is None else {**msk_login.properties_of(config.kafka), OAUTH_CB: login.token}
    own = {name: value for name, value in config.kafka.properties.items() if name.startswith(OF_THE_CLUSTER)}
    return {**ours, **own, "bootstrap.servers": config.kafka.bootstrap_servers}


def _escaped(node: Any) -> Any:
    """What was substituted once must not be again."""
    match node:
        case dict():
            return {key: _escaped(value) for key, value in node.items()}
        case list() | tuple():
            return [_escaped(value) for value in node]
        case str():
            return node.replace("${", "$${")
        case _:
            return node


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
    def client(self) -> dict[str, Any]:
        """Reaches the cluster; for the self-test's own clients."""
        return client(self.tested.config)

    @property
    def letter_partitions(self) -> dict[str, int]:
        """How many partitions the dead-letter topic has, for a `TopicReader`."""
        return {self.site.letters: LETTER_PARTITIONS}


@contextmanager
def embedded(
    options: Options, processes: ChildProcesses, folder: Path, endpoint: str
) -> Iterator[SelftestSurroundings]:
    """An embedded Kafka in a process of its own."""
    topics = selftest_topics(options.config, prefix="")
    site = Site("", "", options.session, endpoint, _key_file(folder), has_users=False)
    broker = BrokerProcess(processes, {**topics.partitions, **_letter_topics(site)})
    for topic, count in topics.partitions.items():
        broker.lead(topic, count, 1)
    for topic, count in _letter_topics(site).items():
        broker.lead(topic, count, LETTERS_BROKER)
    site = site.at(broker.bootstrap)
    file = folder / "bridge.yaml"
    yield SelftestSurroundings(site, prepare(options.config, site, topics, file), file, broker)


@contextmanager
def on_cluster(
    options: Options, bootstrap: str, folder: Path, endpoint: str, tell: Callable[[str], None]
) -> Iterator[SelftestSurroundings]:
    """Topics and a group of unique names on a given cluster, deleted at the end. Raises `ClusterError`.

    `tell` hears of what could not be deleted.
    """
    prefix = f"bridge-selftest-{uuid4().hex[:8]}."
    topics = selftest_topics(options.config, prefix)
    site = Site(bootstrap, prefix, options.session, endpoint, _key_file(folder), has_users=True)
    file = folder / "bridge.yaml"
    made = prepare(options.config, site, topics, file)
    own = OwnTopics(client(made.config), {**topics.partitions, **_letter_topics(site)}, site.group)
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
