"""The shared budget: each replica takes the part of the limit that its waiting partitions are of all that wait."""

from __future__ import annotations

from bridge.config.sections import Delivery
from scripts.pictures.drawing import Drawing

_WAITING = {"A": 3, "B": 1, "C": 0}
"""Partitions of each replica in which records wait to be sent."""


def limit() -> int:
    """Requests a minute, as the configuration has it when it says nothing."""
    return round(float(Delivery.model_fields["rate_limit"].get_default(call_default_factory=True)) * 60)


def picture() -> str:
    """As SVG."""
    a_minute, all_waiting = limit(), sum(_WAITING.values())
    drawing = Drawing(
        900, 400, "The shared budget",
        f"The limit of {a_minute} requests a minute is shared by three replicas. Each commit says how many records of "
        "its partition wait. Each replica reads the group's commits every few seconds and takes the part of the limit "
        "that its waiting partitions are of all waiting partitions. No other service is needed.",
    )  # fmt: skip
    for number, (name, waiting) in enumerate(_WAITING.items()):
        x = 30 + 290 * number
        share = a_minute * waiting // all_waiting
        kind = "good" if waiting else "box"
        drawing.box(x, 50, 260, 64, f"replica {name}", f"records wait in {waiting} of its partitions", kind=kind)
        drawing.arrow((x + 80, 114), (x + 80, 180), label="commits, with", at=(x + 88, 142))
        drawing.text(x + 88, 158, "what waits", "small")
        drawing.arrow((x + 200, 180), (x + 200, 114))
        drawing.text(x + 208, 150, "reads", "small")
        drawing.box(x, 270, 260, 46, f"{share} a minute" if share else "a trickle", kind=kind)
        drawing.text(x + 8, 262, f"{waiting} of {all_waiting} waiting partitions", "small")
    drawing.box(30, 180, 840, 44, "the group's committed offsets, in Kafka", kind="main")
    drawing.text(30, 30, f"One token, {a_minute} requests a minute, three replicas, no other service", "bold")
    drawing.text(
        30,
        346,
        "Every replica computes from the same facts. A lower share applies at once, a higher one two looks later,",
        "small",
    )
    drawing.text(
        30,
        364,
        "so that no minute is above the limit while shares move. Whoever cannot see the others sends a trickle.",
        "small",
    )
    drawing.text(
        30, 382, "Two groups with one token share nothing: set delivery.rate_limit of each to its part.", "small"
    )
    return drawing.svg
