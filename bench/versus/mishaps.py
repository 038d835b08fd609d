"""What goes wrong at the API while events are delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ORDINARY, REFUSED = "Order Completed", "Order Refused"
_SLOW: Mapping[str, Any] = {"kind": "ordinary", "delay": 0.02}
"""What every other request gets: the usual answer, as far away as an API is."""


def _status(status: int, **more: object) -> Mapping[str, Any]:
    return {"kind": "status", "status": status, **more}


@dataclass(frozen=True, slots=True)
class Mishap:
    """One column of what a program has to live with."""

    name: str
    faults: Sequence[Mapping[str, Any]] = ()
    one_is_refused: bool = False
    """One record in the middle is one that the API answers with 400, however often it is sent."""
    key_is_refused_for: float = 0.0
    """Seconds, once a tenth of the events is there."""

    @property
    def script(self) -> list[Mapping[str, Any]]:
        """For the emulator."""
        return [*self.faults, _SLOW]


MISHAPS = (
    Mishap("nothing"),
    Mishap("500 to one request in ten", (_status(500, probability=0.1),)),
    Mishap("429 to one request in ten", (_status(429, probability=0.1),)),
    Mishap("no answer to one request in 200", ({"kind": "hang", "probability": 0.005},)),
    Mishap("one event answered 400", (_status(400, event_name=REFUSED),), one_is_refused=True),
    Mishap("the key refused (401) for 15 s", key_is_refused_for=15.0),
)
