"""What an operator should look into is logged once, as soon as it shows."""

from __future__ import annotations

import time
from typing import Final

from bridge.limiter import News
from bridge.mapping.absent_keys import KeyWatch
from bridge.ops.log.events import Events
from bridge.ops.log.logger import Redactor
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.service.watches.working import WorkingConfiguration
from bridge.track.credentials import ApiKey

NOTHING_MAPPED: Final = 1000
"""Records after which a mapping that matched none of them is worth a warning."""
KEYS_EVERY: Final = 5.0
"""Seconds between two looks at which metadata keys events have."""


class Notices:
    """The first delivery, a key that changed or cannot be read, a mapping that matches nothing, keys that vanish."""

    def __init__(
        self,
        events: Events,
        credentials: ApiKey,
        redactor: Redactor,
        dispatcher: Dispatcher,
        working: WorkingConfiguration,
    ) -> None:
        self.keys = KeyWatch()
        self._events = events
        self._credentials = credentials
        self._redactor = redactor
        self._dispatcher = dispatcher
        self._working = working
        self._generation = News(credentials.generation)
        self._problem = News()
        self._began = time.monotonic()
        self._has_delivered = False
        self._is_mapping_known = False
        self._before = 0, 0
        """Records that came, and those without a rule, before the mapping worked."""
        self._keys_due = 0.0
        self._due = 0.0

    def look(self) -> None:
        """Called every tick; looks once a second."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + 1.0
        self._events.tick()
        self._look_at_first(now)
        self._look_at_key()
        self._look_at_mapping()
        if now >= self._keys_due:
            self._keys_due = now + KEYS_EVERY
            self._look_at_keys()

    def _look_at_first(self, now: float) -> None:
        delivered = self._dispatcher.tally.delivered
        if delivered and not self._has_delivered:
            self._has_delivered = True
            self._events.first_delivered(delivered=delivered, seconds=now - self._began)

    def _look_at_key(self) -> None:
        credentials, events = self._credentials, self._events
        if self._generation.admit(credentials.generation):
            self._redactor.add(secret_of(credentials))
            events.key_reloaded()
        if self._problem.admit(credentials.problem):
            events.key_unreadable(detail=str(credentials.problem))

    def _look_at_mapping(self) -> None:
        tally = self._dispatcher.tally
        consumed = tally.consumed - self._before[0]
        if self._is_mapping_known or consumed < NOTHING_MAPPED:
            return
        self._is_mapping_known = True
        if tally.unmapped - self._before[1] == consumed:
            self._events.nothing_mapped(records=consumed, types=dict(tally.unmapped_types(5)))

    def mapping_changed(self) -> None:
        """Another one works from now on: whether that matches anything is to be found out."""
        tally = self._dispatcher.tally
        self._before, self._is_mapping_known = (tally.consumed, tally.unmapped), False

    def _look_at_keys(self) -> None:
        events = self._events
        for change in self.keys.look(self._working.key_counts()):
            route, key, text = change.key
            if change.vanished:
                events.metadata_key_vanished(route=route, key=key, reads=text, events=change.events)
            else:
                events.metadata_key_returned(route=route, key=key, events=change.events)


def secret_of(credentials: ApiKey) -> str:
    """The key itself, for the one place that has to know it: the redactor that keeps it out of the log."""
    return credentials.header.decode("ascii").rpartition(" ")[2]
