"""Asks the brokers of a configuration for the group's committed offsets, and for the logs they are in."""

from __future__ import annotations

from bridge.cli.frame import startup
from bridge.fleet.acts import offset_planning
from bridge.fleet.acts.offset_planning import Read


def read(start: startup.LoadedConfiguration, asked: str | None) -> Read:
    """Of all consumed topics, or of ``TOPIC`` or ``TOPIC/PARTITION``."""
    inspection, cluster = startup.connect(start)
    return offset_planning.read(start.config.kafka, inspection, cluster, asked)
