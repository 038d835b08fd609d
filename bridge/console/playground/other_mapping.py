"""What the console's pages say where replicas map otherwise than it does. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.config.sections import Config
from bridge.sending.other_mapping import difference

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView


def notice(view: FleetView, config: Config) -> str:
    """For who is shown what the console's mapping makes; empty: no replica says that it works by another one."""
    found = difference(view, config, "this console")
    return found and (
        f"{found}: what is shown here is made by the console's, and nothing is replayed or sent by it. Give both the"
        " same file, and restart the console."
    )
