"""Offsets are asked for only when no answer about topics is on its way: together they end the process."""

from __future__ import annotations

import logging
import re
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicCollection, TopicPartition

from bridge.kafka import answers, client
from bridge.kafka.careful_admin import CarefulAdmin
from bridge.kafka.client_log import ClientLog

ROOT = Path(__file__).parents[3]
ORDERS = TopicPartition("orders", 0)


@pytest.fixture
def admin() -> CarefulAdmin:
    """Nobody answers it, so that what it asks is on its way until its time is over."""
    return CarefulAdmin({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})


def offsets(admin: CarefulAdmin) -> list[Future[Any]]:
    return [*admin.list_offsets({ORDERS: answers.LATEST}, request_timeout=0.2).values()]


def test_offsets_wait_for_topics_and_for_offsets_that_were_asked_before(admin: CarefulAdmin) -> None:
    described = [*admin.describe_topics(TopicCollection(["orders"]), request_timeout=0.2).values()]
    first = offsets(admin)
    assert all(each.done() for each in described)
    second = offsets(admin)
    assert all(each.done() for each in first)
    assert second


def test_a_broker_that_is_silent_holds_nobody_up_for_long(admin: CarefulAdmin) -> None:
    described = [*admin.describe_topics(TopicCollection(["orders"]), request_timeout=60).values()]
    assert offsets(admin)
    assert not any(each.done() for each in described)


def test_every_admin_client_that_the_bridge_opens_is_one() -> None:
    configuration: client.Configuration = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}
    assert isinstance(client.open_admin(configuration, ClientLog(logging.getLogger("tests"))), CarefulAdmin)
    opens = re.compile(r"(=|return) AdminClient\(")
    opened = [path for path in (ROOT / "bridge").rglob("*.py") if opens.search(path.read_text("utf-8"))]
    assert {path.parent.name for path in opened} == {"sandbox"}, "which asks for no offsets"
