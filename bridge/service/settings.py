"""What the configuration's sections mean to the pipeline."""

from __future__ import annotations

from bridge.config.sections import Config
from bridge.kafka import terms
from bridge.model import COMPANY, IDENTIFY
from bridge.pipeline.settings import DeliverySettings


def only_events(config: Config) -> bool:
    """Whether no request can come about that is of a user or a company."""
    rules = [rule for rule in config.mapping.events.values() if rule != "drop"]
    made = {route.makes for rule in rules for route in rule}
    return config.track.unknown_users == "send" and made.isdisjoint({IDENTIFY.name, COMPANY.name})


def delivery_settings(config: Config) -> DeliverySettings:
    """One value out of several sections."""
    return DeliverySettings.model_construct(
        **dict(config.delivery),
        # A mapping that is taken over later may have the first request of a user.
        only_events=only_events(config) and not config.reload.watch,
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
