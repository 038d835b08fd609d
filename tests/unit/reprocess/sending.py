"""What sends beside live traffic, without a cluster: its wiring, and time that passes when a test says so."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.config import load
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Delivered, Reject, TopicPartition
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Work
from bridge.reprocess.sending.budget import Budget
from bridge.reprocess.sending.side_traffic import SideTraffic, Wiring
from tests.unit.pipeline.fakes import FakeCredentials, VirtualTime

LIMIT = 50.0
STEP = 0.25
"""Seconds between two looks, as the real one has it."""


class Wire:
    """The API: the test answers."""

    def __init__(self) -> None:
        self.on_wire: list[Work] = []

    def send(self, work: Work, /) -> None:
        self.on_wire.append(work)

    def abort(self, works: Iterable[Work], /) -> None:
        """Nothing is drained by force here."""


class Nobody:
    """No other replay."""

    async def metadata(self) -> Mapping[TopicPartition, str]:
        return {}


class Alarms(list[float]):
    def at(self, when: float) -> None:
        self.append(when)


class Surroundings:
    """Of one replay or one file."""

    def __init__(self, folder: Path, *, max_in_flight: int = 100) -> None:
        file = folder / "bridge.yaml"
        file.write_text(
            "kafka: {bootstrap_servers: localhost, group_id: bridge, topics: [orders]}\n"
            "track: {endpoint: http://127.0.0.1:1, api_key: k}\n"
            "dead_letter: {topic: letters}\n"
            "mapping: {user_id: user, events: {order: {event_name: Order}}}\n"
        )
        config = load.read(file, {}).config
        assert config is not None
        mapping = compile_mapping(config.mapping)
        assert isinstance(mapping, CompiledMapping)
        self.wire, self.time, self.alarms = Wire(), VirtualTime(), Alarms()
        self.budget = Budget(LIMIT / 5, LIMIT, Nobody(), automatic=False)
        self.notices: list[str] = []
        settings = DeliverySettings.model_construct(rate_limit=LIMIT, max_in_flight=max_in_flight)
        self.wiring = Wiring(
            *(config, mapping, settings, self.wire, FakeCredentials(), self.budget, self.time, self.alarms),
            *(logging.getLogger("test"), lambda _done: None, self.notices.append),
        )

    def later(self, traffic: SideTraffic, seconds: float = 5.0) -> None:
        """So much later; the group's brokers answer all the while."""
        end = self.time.now + seconds
        while self.time.now < end:
            self.time.now += STEP
            traffic.heartbeat_answered(self.time.now)
            traffic.pace(self.time.now)
            traffic.dispatcher.tick()
            traffic.pump()

    def answer(self, traffic: SideTraffic, verdict: Delivered | Reject | None = None) -> None:
        """The request that has waited longest."""
        traffic.answered(self.wire.on_wire.pop(0), verdict or Delivered(202))
