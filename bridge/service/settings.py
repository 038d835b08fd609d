"""What the configuration's sections mean to the pipeline."""

from __future__ import annotations

from bridge.config.sections import Config
from bridge.kafka import terms
from bridge.pipeline.settings import DeliverySettings


def delivery_settings(config: Config) -> DeliverySettings:
    """One value out of several sections."""
    return DeliverySettings.model_construct(
        **dict(config.delivery),
        hold_after_unauthorized=config.track.auth.hold_after,
        recheck=config.track.auth.recheck,
        hold_after_letters=config.dead_letter.hold_after,
        drain_timeout=config.kafka.drain_timeout,
        unknown_users=config.track.unknown_users,
        known_users=config.track.known_users,
        identify_settle=config.track.identify_settle,
        # Until the source has found out on which terms the group takes it.
        session_timeout=terms.trust(terms.first(config.kafka), config.kafka),
    )
