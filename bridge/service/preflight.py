"""What must be true of the cluster before the first record is read; otherwise the start is refused, with sentences."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.aws.failures import AwsLoginError
from bridge.commands import command
from bridge.config.sections import Config
from bridge.config.topics import consumed_topics
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.kafka.admin import topic_creation
from bridge.kafka.admin.inspection import Cluster, Inspection, TopicSettings
from bridge.kafka.admin.obstacles import NotConnectedError, Obstacle
from bridge.kafka.admin.topic_creation import Creation

RETENTION: Final = 30 * 86_400.0
"""Seconds letters are kept in a topic that is created here, as with `track-bridge topics create`."""


class NotReadyError(Misuse):
    """The start is refused."""

    def __init__(self, sentences: Sequence[str], exit_code: ExitCode) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = tuple(sentences)
        """Each says what is wrong, where, and what to do."""
        self.exit_code = exit_code


def prepare(config: Config, inspection: Inspection) -> None:
    """Look at the cluster; create the dead-letter topics where that is asked for.

    Raises `NotReadyError`, and `NotConnectedError` where the brokers fall silent meanwhile.
    """
    topic = config.dead_letter.topic
    cluster = inspection.connect()
    missing = [name for name in (topic, topic_creation.resolutions_of(topic)) if name not in cluster.topics]
    if missing and config.dead_letter.create:
        _create(config, inspection, cluster, missing, logging.getLogger("kafka"))
        missing = []
    sentences = problems(topic, missing, inspection.settings([topic] if topic not in missing else []))
    if sentences:
        raise NotReadyError(sentences, ExitCode.USAGE)


def unreachable(config: Config, silence: NotConnectedError) -> NotReadyError:
    """No broker lets this process in, and it was told not to wait, or waiting does not help."""
    servers = config.kafka.bootstrap_servers
    sentence = f"kafka.bootstrap_servers: cannot connect to any broker in {servers}: {silence}"
    return NotReadyError([sentence], ExitCode.UNREACHABLE)


def problems(topic: str, missing: Sequence[str], settings: Mapping[str, TopicSettings]) -> list[str]:
    """Why no record may be read with this dead-letter topic. Its settings may be unknown where they may not be read."""
    if topic in missing:
        return [
            (
                f"dead_letter.topic: {topic} does not exist; without it a record that cannot be delivered would stop "
                f"its partition. Run `{command('topics', 'create')}`, or set dead_letter.create: true"
            )
        ]
    known = settings.get(topic)
    if known is not None and known.compacted:
        return [
            (
                f"dead_letter.topic: {topic} is compacted, so letters of one key would replace each other. Set its "
                "cleanup.policy to delete, or name another topic"
            )
        ]
    return []


def _create(
    config: Config, inspection: Inspection, cluster: Cluster, missing: Sequence[str], logger: logging.Logger
) -> None:
    consumed = consumed_topics.topics_of(config.kafka)
    sources = {name: partitions for name, partitions in cluster.topics.items() if consumed.takes(name)}
    wanted = topic_creation.plans(
        config.dead_letter.topic,
        partitions=max(sources.values(), default=1),
        replication_factor=topic_creation.BROKER_DEFAULT,
        retention=RETENTION,
        sources=inspection.settings(sources).values(),
    )
    try:
        created = topic_creation.create(config.kafka, [plan for plan in wanted if plan.name in missing], logger)
    except AwsLoginError as no_login:
        raise NotConnectedError(Obstacle.TOKEN, str(no_login)) from no_login
    refused = [
        f"dead_letter.create: topic {name} could not be created: {outcome.message}"
        for name, outcome in created.items()
        if outcome.creation is Creation.REFUSED
    ]
    if refused:
        raise NotReadyError(refused, ExitCode.UNREACHABLE)
