"""A rebalance: one partition moves from a replica to another that joins, without a repetition."""

from __future__ import annotations

from scripts.pictures.drawing import Drawing

_STEPS = (
    ("1  B joins", "Kafka asks A", "to give partition 1 up"),
    ("2  A drains", "takes no more of it,", "what is in flight ends"),
    ("3  A commits", "offset, and a map of", "what is done above it"),
    ("4  B starts", "at that offset, less", "what the map says"),
)


def picture() -> str:
    """As SVG."""
    drawing = Drawing(
        900, 400, "A rebalance",
        "Replica B joins the group. A gives partition 1 up: it takes no more records of it, lets what is in flight "
        "end, and commits the offset together with a map of what is done above it. B starts at that offset, less what "
        "the map says. Partition 0 flows on all the time. A replica that is killed commits nothing more: what was in "
        "flight and what completed since its last commit is sent again.",
    )  # fmt: skip
    for number, (name, *more) in enumerate(_STEPS):
        drawing.text(40 + 215 * number, 34, name, "bold")
        for line, text in enumerate(more):
            drawing.text(40 + 215 * number, 54 + 17 * line, text, "small")
    drawing.group(20, 90, 860, 92, "replica A")
    drawing.box(40, 116, 820, 24, "partition 0: flows on all the time", kind="good")
    drawing.box(40, 148, 175, 24, "partition 1: flows", kind="good")
    drawing.box(220, 148, 210, 24, "drains", kind="wait")
    drawing.box(435, 148, 205, 24, "commits, gives it up", kind="main")
    drawing.group(20, 200, 860, 60, "replica B")
    drawing.box(650, 226, 210, 24, "partition 1: flows", kind="good")
    drawing.arrow((640, 160), (755, 160), (755, 226))
    drawing.text(40, 292, "Repeated by an orderly rebalance or stop: none, as far as the map reaches.", "")
    drawing.text(40, 312, "An answer that comes after the partition is gone reaches nothing that is committed.", "")
    drawing.text(
        40, 346, "If A is killed instead: B starts at A's last commit. Sent again is what was in flight and", ""
    )
    drawing.text(40, 366, "what completed since that commit: one commit interval, 200 ms.", "")
    return drawing.svg
