"""What becomes a dead letter, and what cannot: status, alerts, dashboard and runbook agree on it."""

from __future__ import annotations

import pytest

from tests.integration.situations.conftest import Agree
from tests.support.kafka.client import Kafka


@pytest.mark.parametrize("situation", ["renamed_field", "dead_letter_topic_gone", "poison"])
async def test_status_alerts_dashboard_and_runbook_agree(kafka: Kafka, agreed: Agree, situation: str) -> None:
    await agreed(kafka, situation)
