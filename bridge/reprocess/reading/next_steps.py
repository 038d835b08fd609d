"""What to do about open dead letters: by reason, the cause to look for and the commands that come next. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridge.commands import command
from bridge.formats.letters import LetterPlace
from bridge.model import LetterReason
from bridge.reprocess.reading.statistics import Statistics
from bridge.text.amounts import span, thousands

_FIX: Final = {
    LetterReason.UNDECODABLE: "fix how the topic is decoded, or the producer",
    LetterReason.UNMAPPABLE: "fix the mapping, or the producer",
    LetterReason.INVALID: "fix the mapping: the request would break what the API documents",
    LetterReason.REJECTED: "fix the mapping as the API's answer says",
    LetterReason.UNAUTHORIZED: "fix the key or the address; `{check}` tries them",
    LetterReason.EXPIRED: "look whether events as old as these are still wanted; what is not is discarded",
    LetterReason.RETRIES_EXHAUSTED: "look at the last answer",
    LetterReason.TOO_LARGE: (
        "raise kafka.max_record_bytes and have the record produced again: its value is not in the dead letter, and no "
        "replay sends it as it is"
    ),
}
"""By reason: what comes before a replay."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do about the dead letters of one reason."""

    reason: str
    first: str
    """What to change, as the beginning of a sentence."""
    look: str
    """The command that shows one of them."""
    then: str
    """The command that shows what a replay would do, or that settles them."""


def next_steps(found: Statistics) -> Iterator[NextStep]:
    """For each reason there is, the commonest first; other programs' reasons are told alike."""
    samples: dict[str, LetterPlace] = {}
    for saying in found.sayings.commonest():
        samples.setdefault(saying.reason, saying.sample)
    for reason in found.groupings["reason"]:
        if reason not in samples:
            continue  # Given up among too many different messages.
        fix = next((text for known, text in _FIX.items() if known == reason), "look what the other program says")
        then = command("dlq", "replay", "--reason", reason, "--dry-run")
        if reason == LetterReason.TOO_LARGE:
            then = command("dlq", "discard", "--reason", reason, "--because", "TEXT")
        yield NextStep(
            reason,
            fix.replace("{check}", command("check")),
            command("dlq", "show", str(samples[reason])),
            then,
        )


def kept_sentence(found: Statistics) -> str | None:
    """What retention takes, and when; None where it is not known or takes nothing."""
    kept, oldest = found.retention, found.oldest
    if kept is None or math.isinf(kept) or oldest is None:
        return None
    left = kept - oldest.age
    when = f"the oldest in {span(left)} at the earliest" if left > 0 else "the oldest at any moment"
    return (
        f"Kafka deletes dead letters {span(kept)} after they were written, {when}; "
        f"{thousands(found.soon)} of the open ones within 24 h."
    )
