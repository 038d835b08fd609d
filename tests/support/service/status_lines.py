"""A status document in some lines: what a test wants to see of it that waited in vain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

PARTITIONS: Final = 4
"""That are shown: first those that something keeps."""


def status_lines(status: Mapping[str, Any]) -> str:
    """Its state, what keeps the whole of it, its counts, and what it says of some partitions."""
    whole = ("needs_someone", "ends_by_itself", "blocked")
    kept = {name: status[name] for name in whole if status[name]} | {"not ready": status["ready"]["reasons"]}
    partitions = sorted(status["partitions"], key=lambda each: each["why"] == "idle")
    return "\n".join(
        [
            f"status at {status['at']}: {status['state']}. {status['sentence']}",
            *(f"{name}: {json.dumps(what)}" for name, what in kept.items() if what),
            f"accounting: {json.dumps(status['accounting'])}",
            f"{len(partitions)} partitions",
            *(
                f"{each['topic']}/{each['partition']}: {each['position']} of {each['end']}, "
                f"{each['open_records']} open; {each['why']}: {each['detail']}"
                for each in partitions[:PARTITIONS]
            ),
        ]
    )
