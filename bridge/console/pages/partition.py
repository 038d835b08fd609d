"""One partition: what it does, why, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.console.page import ConsolePage, Context, Query, show_live
from bridge.console.pages.partitions import FLOWS
from bridge.console.parts import ConsoleParts
from bridge.model import TopicPartition
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView

_MOST_DIGITS: Final = 9


def live(_parts: ConsoleParts, view: FleetView, query: Query) -> Context:
    """What is known of it; None where no configured topic has it."""
    wanted = wanted_of(query)
    found = next((each for each in view.partitions if each.partition == wanted), None)
    hold = None if found is None else found.hold
    return {
        "wanted": wanted,
        "it": found,
        "flows": FLOWS,
        "concerns": [each for each in view.concerns if wanted in each.partitions],
        "held_since": None if hold is None or not hold.since else iso(hold.since, "seconds"),
    }


def wanted_of(query: Query) -> TopicPartition:
    """The one that is asked for."""
    number = query.get("partition", "")
    is_number = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS
    return TopicPartition(query.get("topic", ""), int(number) if is_number else 0)


PAGE: Final = ConsolePage(
    "partition", "Partition", "/partition", show_live, under="partitions", live=live, live_query=("topic", "partition")
)
