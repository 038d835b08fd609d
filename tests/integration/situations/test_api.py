"""What goes wrong at the API: status, alerts, dashboard and runbook agree on it."""

from __future__ import annotations

import pytest

from tests.integration.situations.conftest import Agree
from tests.support.kafka.client import Kafka


@pytest.mark.parametrize("situation", ["throttled", "bad_key", "api_unavailable", "identify_down"])
async def test_status_alerts_dashboard_and_runbook_agree(kafka: Kafka, agreed: Agree, situation: str) -> None:
    await agreed(kafka, situation)
