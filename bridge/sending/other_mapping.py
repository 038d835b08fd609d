"""Whether the replicas map as this program does: it reads its mapping at its start, they may take another. Pure."""

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


def difference(view: FleetView, config: Config, than: str) -> str:
    """Which replicas work by another mapping `than` this program, without an end; empty: none says that it does."""
    own = number_of(config)
    others = [each for each in view.replicas if each.mapping is not None and each.mapping != own]
    if not others:
        return ""
    who = others[0].name if len(others) == 1 else f"{thousands(len(others))} replicas, {others[0].name} among them,"
    works = "works" if len(others) == 1 else "work"
    return f"{who} {works} by another mapping ({others[0].mapping}) than {than} ({own})"
