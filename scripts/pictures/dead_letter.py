"""A dead letter's life: the states that `dlq` shows, and what leads from one to another."""

from __future__ import annotations

from bridge.reprocess.reading.ledger import LetterState
from scripts.pictures.drawing import Drawing

PLACES: dict[LetterState, tuple[int, int, str, str]] = {
    LetterState.OPEN: (340, 60, "waits for you", "bad"),
    LetterState.FAILED_AGAIN: (340, 220, "a replay did not help", "wait"),
    LetterState.REPLAYED: (680, 60, "the API accepted it", "good"),
    LetterState.DISCARDED: (680, 220, "given up, with a reason", "box"),
}


def picture() -> str:
    """As SVG."""
    states = ", ".join(state.value for state in PLACES)
    drawing = Drawing(
        900, 350, "The life of a dead letter",
        f"The states of a dead letter: {states}. It is open when it is written. A replay sends it again: accepted, it "
        "is replayed; refused, it has failed again and can be replayed again. Discarding gives it up, with a reason. "
        "The dead-letter topic itself is never changed; states are kept in the topic of resolutions.",
    )  # fmt: skip
    drawing.box(30, 60, 160, 60, "an event", "that cannot be sent", kind="main")
    for state, (x, y, text, kind) in PLACES.items():
        drawing.box(x, y, 180, 60, state.value, text, kind=kind)
    drawing.arrow((190, 90), (340, 90), label="written, with reason", at=(200, 80))
    drawing.arrow((520, 80), (680, 80), label="dlq replay: accepted", at=(528, 70))
    drawing.arrow((400, 120), (400, 220), label="dlq replay: refused", at=(280, 175))
    drawing.arrow((520, 240), (600, 240), (600, 104), (680, 104), label="replay: accepted", at=(505, 140))
    drawing.arrow((470, 120), (470, 180), (730, 180), (730, 220), label="dlq discard", at=(640, 172))
    drawing.arrow((520, 262), (680, 262), label="dlq discard", at=(560, 278))
    drawing.arrow((370, 280), (370, 302), (310, 302), (310, 250), (340, 250), label="refused again", at=(225, 322))
    drawing.text(
        30, 34, "A dead letter keeps the record byte for byte; its state is in the topic of resolutions.", "small"
    )
    drawing.text(520, 334, "It lives as long as the dead-letter topic keeps it.", "small")
    return drawing.svg
