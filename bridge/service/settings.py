"""What the configuration's sections mean to the pipeline."""

from __future__ import annotations

from bridge.config.sections import Config
from bridge.kafka import terms
from bridge.pipeline.settings import DeliverySettings, RetrySettings


def delivery_settings(config: Config) -> DeliverySettings:
    """One value out of several sections."""
    delivery, retry = config.delivery, config.delivery.retry
    return DeliverySettings(
        ordering=delivery.ordering,
        max_in_flight=delivery.max_in_flight,
        max_buffered=delivery.max_buffered,
        max_buffered_bytes=delivery.max_buffered_bytes,
        rate_limit=delivery.rate_limit,
        retry=RetrySettings(
            initial_backoff=retry.initial_backoff,
            max_backoff=retry.max_backoff,
            max_retry_after=retry.max_retry_after,
            max_attempts=retry.max_attempts,
        ),
        hold_after_unauthorized=config.track.auth.hold_after,
        recheck=config.track.auth.recheck,
        hold_after_letters=config.dead_letter.hold_after,
        drain_timeout=config.kafka.drain_timeout,
        # Until the source has found out on which terms the group takes it.
        session_timeout=terms.trust(terms.first(config.kafka), config.kafka),
    )
