"""``/tap``: whoever asks for it on this machine hears of records until the connection ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from bridge.ops.admin.streaming import StreamRefusal, StreamRequest, not_understood, refused_elsewhere, too_many
from bridge.service.tap import filter as tap_filter
from bridge.service.tap import samples
from bridge.service.tap.pacing import A_SECOND
from bridge.service.tap.session import TapSession, line

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.ops.admin.streaming import Outlet
    from bridge.ops.log.events import Events
    from bridge.pipeline.tracing import RecordListeners
    from bridge.service.tap.samples import Masks

PATH: Final = "/tap"
MOST_AT_ONCE: Final = 4
"""Who watch at one time."""


class Tap:
    """On the loop's thread. Nothing is called for any record while nobody watches."""

    def __init__(
        self,
        config: Callable[[], Config],
        routes: Callable[[], Collection[str]],
        listeners: RecordListeners,
        events: Events,
    ) -> None:
        """`config`: what holds now; what is hidden follows from it, also while somebody watches. `routes`: the names
        of those that there are.
        """
        self._config = config
        self._routes = routes
        self._listeners = listeners
        self._events = events
        self._sessions: set[TapSession] = set()
        self._masked: Config | None = None
        """What the masks were made of."""
        self._made: Masks | None = None

    def open(self, request: StreamRequest, outlet: Outlet) -> StreamRefusal | Callable[[], None]:
        """Begin to write samples. See `ops.admin.streaming.Stream`."""
        refusal = refused_elsewhere(request, PATH)
        if refusal is not None:
            return refusal
        try:
            wanted = tap_filter.of_query(request.query, self._routes())
        except ValueError as wrong:
            return not_understood(str(wrong))
        if len(self._sessions) >= MOST_AT_ONCE:
            return too_many(f"{MOST_AT_ONCE} watch already, which is as many as may: end one of them first.")
        session = TapSession(outlet, wanted, self._masks, monotonic=time.monotonic, wall=time.time)
        outlet.write(line({"sample": "tap", "route": wanted.route, "outcome": wanted.outcome, "a_second": A_SECOND}))
        self._sessions.add(session)
        self._listeners.add(session)
        self._events.tap_opened(route=wanted.route, outcome=wanted.outcome, of_one_user=wanted.user is not None)
        return lambda: self._close(session)

    def _masks(self) -> Masks:
        """Made once for each configuration, which another mapping replaces whole."""
        config = self._config()
        if self._made is None or config is not self._masked:
            self._made, self._masked = samples.masks_of(config), config
        return self._made

    def _close(self, session: TapSession) -> None:
        self._listeners.remove(session)
        self._sessions.discard(session)
        self._events.tap_closed()
