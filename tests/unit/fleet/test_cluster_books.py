"""The cluster's own committed offsets, as screens set them: what goes wrong is told as an error with its way out."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.errors import BridgeError, Misuse, Unreachable
from bridge.fleet.acts import offset_setting
from bridge.fleet.acts.offset_setting import ClusterBooks
from bridge.formats.resolutions import Author
from bridge.kafka.admin import offset_writer
from bridge.kafka.admin.obstacles import NotConnectedError, Obstacle
from bridge.kafka.client import ClientRefusedError

KAFKA = SimpleNamespace(bootstrap_servers="kafka:9092", group_id="g")
CONFIG: Any = SimpleNamespace(kafka=KAFKA, dead_letter=SimpleNamespace(topic="letters"))
LOGGER = logging.getLogger("tests.fleet")


@pytest.mark.parametrize(
    ("problem", "told", "sentence"),
    [
        (NotConnectedError(Obstacle.CONNECTION, "refused"), Unreachable,
         "Cannot connect to any broker in kafka:9092: refused."),
        (ClientRefusedError("kafka.properties: no such property"), Misuse, "kafka.properties: no such property"),
    ],
)  # fmt: skip
def test_brokers_that_are_not_reached_and_properties_that_are_refused_are_told(
    problem: Exception, told: type[BridgeError], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(offset_setting, "Inspection", fail)
    with pytest.raises(told) as raised:
        ClusterBooks(CONFIG, LOGGER).read("orders/0")
    assert str(raised.value) == sentence


def test_what_is_set_and_recorded_goes_the_way_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def write(*given: object) -> dict[object, str]:
        asked.append(given)
        return {}

    monkeypatch.setattr(offset_writer, "write", write)
    books = ClusterBooks(CONFIG, LOGGER)
    assert books.write([]) == {}
    assert asked == [(KAFKA, {}, LOGGER)]
    assert books.record([], Author("top", "ada", "host")) is None, "nothing was passed, so nothing is lost"
