"""Where the dead-letter topic ends: claims on its partitions carry what a sending declares of the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.commands import command
from bridge.errors import Misuse, Unreachable
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError
from bridge.kafka.client import ClientRefusedError
from bridge.model import TopicPartition

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from bridge.config.sections import Config
    from bridge.kafka.admin.inspection import Cluster

PATIENCE: Final = 5.0
"""Seconds the brokers may take."""


def ends_of(inspection: Inspection, cluster: Cluster, topic: str) -> dict[int, int]:
    """By partition. Raises `Misuse` where the topic is not there, `Unreachable` where the brokers do not say."""
    if topic not in cluster.topics:
        raise Misuse(
            f"The topic {topic} does not exist, or this user may not see it. The budget is shared with running bridges "
            f"by way of it: `{command('topics', 'create')}` makes it."
        )
    partitions = [TopicPartition(topic, number) for number in range(cluster.topics[topic])]
    logs = inspection.logs(partitions)
    if len(logs) < len(partitions):
        raise Unreachable(f"The brokers did not say where {topic} ends.")
    return {each.partition: log.end for each, log in logs.items()}


def letters_end(config: Config, logger: logging.Logger) -> Mapping[int, int]:
    """The same of a configuration; blocks. Raises `errors.BridgeError`."""
    kafka = config.kafka
    try:
        inspection = Inspection(kafka, logger, patience=PATIENCE)
        return ends_of(inspection, inspection.connect(), config.dead_letter.topic)
    except ClientRefusedError as refused:
        raise Misuse(str(refused)) from refused
    except NotConnectedError as error:
        raise Unreachable(f"Cannot connect to any broker in {kafka.bootstrap_servers}: {error}.") from error
