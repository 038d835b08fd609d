from __future__ import annotations

from pathlib import Path

from bridge.config import load
from bridge.config.sections import Delivery
from bridge.service.settings import delivery_settings

EXAMPLE = Path(__file__).parents[3] / "bridge.example.yaml"


def test_every_key_of_delivery_reaches_the_pipeline() -> None:
    overrides = {
        "BRIDGE_DELIVERY__MAX_IN_FLIGHT": "3",
        "BRIDGE_DELIVERY__RATE_LIMIT": "unlimited",
        "BRIDGE_DELIVERY__RETRY__MAX_ATTEMPTS": "7",
    }
    config = load.read(
        EXAMPLE, {"USERPILOT_ENDPOINT": "https://a.example", "USERPILOT_API_KEY": "NX-1", **overrides}
    ).config
    assert config is not None
    settings = delivery_settings(config)
    assert {key: getattr(settings, key) for key in Delivery.model_fields} == dict(config.delivery)
    assert (settings.max_in_flight, settings.rate_limit, settings.retry.max_attempts) == (3, None, 7)
