"""What goes wrong at Kafka: status, alerts, dashboard and runbook agree on it."""

from __future__ import annotations

import pytest

from tests.integration.conftest import KafkaFactory
from tests.integration.situations.conftest import Agree
from tests.support.kafka.client import Kafka


@pytest.mark.parametrize("situation", ["hanging_transaction", "schema_registry_down", "topic_missing"])
async def test_status_alerts_dashboard_and_runbook_agree(kafka: Kafka, agreed: Agree, situation: str) -> None:
    await agreed(kafka, situation)


async def test_they_agree_on_a_kafka_that_is_down(own_kafka: KafkaFactory, agreed: Agree) -> None:
    await agreed(own_kafka(), "kafka_down")
