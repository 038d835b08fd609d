"""What every peer is told, by environment variables: the same for the programs here and for one of `--peer-cmd`."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Where from, where to, how much at once."""

    bootstrap: str
    topic: str
    group: str
    api_url: str
    ca_file: str | None
    in_flight: int
    api_key: str
    type_header: str | None
    """The header that holds the event's type; None: it is in the value."""
    mapped_type: str

    @classmethod
    def read(cls) -> Settings:
        """From the environment."""
        env = os.environ
        return cls(
            bootstrap=env["BOOTSTRAP"],
            topic=env["TOPIC"],
            group=env["GROUP"],
            api_url=env["API_URL"],
            ca_file=env.get("CA_FILE"),
            in_flight=int(env["IN_FLIGHT"]),
            api_key=env["API_KEY"],
            type_header=env.get("TYPE_HEADER"),
            mapped_type=env["MAPPED_TYPE"],
        )

    def consumer(self) -> dict[str, object]:
        """Properties of a consumer that commits what is stored, as the bridge's does."""
        return {
            "bootstrap.servers": self.bootstrap,
            "group.id": self.group,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.auto.offset.store": False,
            "auto.commit.interval.ms": 200,
            "log_level": 2,
        }
