"""The record's way: from a poll to the offset's commit, and the three ways a record is complete."""

from __future__ import annotations

from bridge.model import LetterReason
from scripts.pictures.drawing import Drawing


def picture() -> str:
    """As SVG."""
    drawing = Drawing(
        900, 440, "The way of a record",
        "A record comes out of Kafka, is decoded and mapped, waits in the queue of its user, is let go by the budget "
        "and sent to the API. It is complete when the API accepted it, when a rule filtered it, or when it is in the "
        "dead-letter topic. Then its offset may be committed. A passing failure goes back to the queue.",
    )  # fmt: skip
    draw = drawing.box
    draw(20, 80, 130, 56, "Kafka", "source topics", kind="main")
    draw(190, 80, 130, 56, "decode and map", "bytes to requests")
    draw(360, 80, 130, 56, "queue per user", "one at a time")
    draw(530, 80, 130, 56, "budget", "may it go now?")
    draw(720, 80, 160, 56, "Track API", "Userpilot", kind="main")
    for left, right in ((150, 190), (320, 360), (490, 530), (660, 720)):
        drawing.arrow((left, 108), (right, 108))
    drawing.arrow((800, 80), (800, 36), (425, 36), (425, 80), label="429, 5xx, timeout: again, later", at=(520, 28))
    draw(190, 220, 130, 56, "filtered", "by a rule of yours", kind="wait")
    draw(430, 220, 190, 56, "dead letter", "acknowledged by Kafka", kind="bad")
    draw(720, 220, 160, 56, "delivered", "answered 2xx", kind="good")
    drawing.arrow((255, 136), (255, 220), label="no route, when, max_age", at=(104, 182))
    drawing.arrow((300, 136), (300, 190), (470, 190), (470, 220), label="cannot be mapped", at=(340, 182))
    drawing.arrow((760, 136), (760, 172), (580, 172), (580, 220), label="400: never", at=(600, 164))
    drawing.arrow((820, 136), (820, 220), label="2xx", at=(828, 182))
    drawing.group(20, 320, 860, 60, "The record is complete: its offset may be committed.")
    drawing.text(30, 362, "The committed offset of a partition follows its lowest open record: nothing is skipped.")
    for x in (255, 525, 800):
        drawing.arrow((x, 276), (x, 320))
    reasons = ", ".join(each.value for each in LetterReason)
    drawing.text(36, 408, f"Reasons of dead letters: {reasons}", "small")
    return drawing.svg
