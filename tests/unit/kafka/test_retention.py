from __future__ import annotations

import math

import pytest
from confluent_kafka.admin import ConfigEntry

from bridge.kafka.retention import retention


@pytest.mark.parametrize(
    ("policy", "milliseconds", "seconds"),
    [
        ("delete", "604800000", 604_800.0),
        ("compact,delete", "60000", 60.0),
        ("delete", "-1", math.inf),
        ("compact", "604800000", math.inf),
    ],
)
def test_a_topic_loses_records_by_age_only_where_its_policy_deletes(
    policy: str, milliseconds: str, seconds: float
) -> None:
    entries = {
        "cleanup.policy": ConfigEntry("cleanup.policy", policy),
        "retention.ms": ConfigEntry("retention.ms", milliseconds),
    }

    assert retention(entries) == seconds
