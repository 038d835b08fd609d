"""Replicas that do what they are told, over no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.fleet.acts import FleetControl
from bridge.fleet.acts.outcomes import Silent
from bridge.fleet.acts.reaching import Reached
from bridge.ops.control.control_client import RefusedError


@dataclass(eq=False)
class ObedientReplica:
    """It has some partitions of one topic, and remembers what it was told to do."""

    address: str
    here: set[int]
    topic: str = "shop.orders"
    total: int = 4
    told: list[Mapping[str, Any]] = field(default_factory=list)
    outcome: str = "done"
    flows: str = ""
    """Why it sets no offset."""

    def ask(self, request: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
        """As `OneReplica` does."""
        assert patience > 0
        if request["topic"] != self.topic:
            raise RefusedError("usage", f"{request['topic']} is no topic of kafka.topics.")
        preview = request.get("preview", False)
        if request["command"] == "set":
            return self._set(request, preview=preview)
        if not preview:
            self.told.append(request)
        numbers = range(self.total) if request["partitions"] is None else request["partitions"]
        rows = [
            {"partition": number, "outcome": None if preview else self.outcome}
            if number in self.here
            else {"partition": number, "outcome": "elsewhere", "owner": "bridge-9"}
            for number in numbers
        ]
        return {"topic": self.topic, "partitions": rows, "gates": [], "complete": True}

    def _set(self, request: Mapping[str, Any], *, preview: bool) -> Mapping[str, Any]:
        if self.flows:
            raise RefusedError("usage", self.flows)
        if not preview:
            self.told.append(request)
        rows = [{"partition": each["partition"], "outcome": self.outcome} for each in request["moves"]]
        return {"topic": self.topic, "partitions": [] if preview else rows, "gates": [], "complete": True}


def control_of(*replicas: ObedientReplica, silent: tuple[Silent, ...] = ()) -> FleetControl:
    """Of these."""

    async def find() -> Reached:
        return Reached(replicas, silent)

    async def at_once(_seconds: float) -> None:
        return None

    return FleetControl(find, 5.0, at_once)
