"""Orders that come over the network, where the configuration has a token: as if they came over the socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.config.sections import Config
from bridge.errors import InvalidError
from bridge.ops.control import signing
from bridge.ops.control.control_key import ControlKey
from bridge.ops.control.signed_requests import SignedRequests
from bridge.ops.log.events import Events
from bridge.service.orders.control import Control


class Orders:
    """Belongs to the loop's thread."""

    def __init__(self, config: Config) -> None:
        file = config.console.token_file
        self._key = None if file is None else ControlKey(file, config.kafka.group_id)
        self.requests = None if self._key is None else SignedRequests(self._take, self._key, self._refused)
        """What the admin server gives them to; None: it takes none."""
        self._to: tuple[Control, Events] | None = None

    def begin(self, control: Control, events: Events) -> None:
        """They are carried out from now on."""
        if self._key is None:
            return
        self._to = control, events
        try:
            self._key.get()
        except InvalidError as error:
            events.no_control_over_network(detail=str(error))
        else:
            events.control_over_network(path=signing.PATH)

    def end(self) -> None:
        """No further ones are."""
        self._to = None

    async def _take(self, request: Mapping[str, Any], peer: str) -> Mapping[str, Any]:
        if self._to is None:
            return {"error": "busy", "message": "This bridge is starting or stopping: try again."}
        return await self._to[0].answer(request, None, peer)

    def _refused(self, why: str, peer: str) -> None:
        if self._to is not None:
            _, events = self._to
            events.control_refused(detail=why, peer=peer)
