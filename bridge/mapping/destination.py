"""What the mapping has to know of the section `track`: how requests are written, and what is done unasked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.config.sections import Track

CompanyIdField = Literal["id", "company_id", "both"]


@dataclass(frozen=True, slots=True)
class Destination:
    """As the configuration has it where nothing is said."""

    company_id_field: CompanyIdField = "id"
    identifies_unknown: bool = False
    """Whether the bridge identifies users by itself, so that there is somebody to forget."""


def destination_of(track: Track | None) -> Destination:
    """From the section; None where it cannot be read."""
    if track is None:
        return Destination()
    return Destination(track.company_id_field, track.unknown_users == "identify")
