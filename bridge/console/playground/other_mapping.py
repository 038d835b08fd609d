"""Whether the replicas map as the console does: it reads its mapping at its start, they may take over another. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.config.fingerprint import mapping_number
from bridge.config.sections import Config
from bridge.text.amounts import thousands

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView


def number_of(config: Config) -> str:
    """Of the mapping that it has, as replicas tell theirs."""
    return f"{mapping_number(config.mapping, config.track.company_id_field):09d}"


def notice(view: FleetView, config: Config) -> str:
    """For who is shown what the console's mapping makes; empty: no replica says that it works by another one."""
    own = number_of(config)
    others = [each for each in view.replicas if each.mapping is not None and each.mapping != own]
    if not others:
        return ""
    who = others[0].name if len(others) == 1 else f"{thousands(len(others))} replicas, {others[0].name} among them,"
    works = "works" if len(others) == 1 else "work"
    return (
        f"{who} {works} by another mapping ({others[0].mapping}) than this console ({own}): what is shown here is made"
        " by the console's, and nothing is replayed or sent by it. Give both the same file, and restart the console."
    )
