"""The parts of a running service that are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bridge.counts import SinkStats
from bridge.kafka.consumer.source import Source
from bridge.ops.snapshot import Build
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.service.event_log import ServiceEventLog
from bridge.service.poll_adapter import PollAdapter
from bridge.service.watches.file_watch import FileWatch
from bridge.service.watches.group_watch import GroupWatch
from bridge.service.watches.kafka_watch import KafkaWatch
from bridge.service.watches.letter_watch import LetterWatch
from bridge.service.watches.login_watch import LoginWatch
from bridge.service.watches.rate_view import Shares
from bridge.service.watches.working import WorkingConfiguration
from bridge.track.credentials import ApiKey

if TYPE_CHECKING:
    from bridge.registry.lookups import RegistryLookups


class CountingSink(Protocol):
    """Both sinks."""

    stats: SinkStats


class LogWrites(Protocol):
    """The part of the logging that is observed."""

    @property
    def write_failures(self) -> int:
        """Lines that could not be written."""


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """All of them, and what the process is."""

    dispatcher: Dispatcher
    source: Source
    adapter: PollAdapter
    sink: CountingSink
    credentials: ApiKey
    event_log: ServiceEventLog
    shares: Shares
    letter_watch: LetterWatch
    file_watch: FileWatch
    kafka_watch: KafkaWatch
    login_watch: LoginWatch
    group_watch: GroupWatch
    registry: RegistryLookups | None
    """None: no schema registry is configured."""
    logging: LogWrites
    working: WorkingConfiguration
    version: str
    build: Build
    group_id: str
