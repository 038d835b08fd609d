"""What became of an event of a record that the group is done with. Pure."""

from __future__ import annotations

from typing import Final

from bridge.commands import command
from bridge.explain.facts import RecordFacts, RecordPresence
from bridge.explain.fates import (
    DecidedFate,
    DeliveredFate,
    FilteredFate,
    LostFate,
    NoRecordFate,
    NotReadFate,
    UnknownFate,
)
from bridge.explain.of_letters import perhaps_gone
from bridge.formats.losses import PASSED
from bridge.mapping.review.walk import WalkedEvent

NO_RECORD: Final = "No record is at this offset: it is a transaction's mark, or compaction removed the record."
ABORTED: Final = "Its transaction was aborted: no bridge is given such a record."
_OF_MAPPING: Final = "This is by today's mapping. Which mapping was at work when its turn came is not kept in Kafka."
_OTHER_MAPPING: Final = f"{_OF_MAPPING} The last commit of its partition was made by another one."
_OFFSET_MOVED: Final = (
    "A committed offset that another tool set past it, or a group that began behind it, leaves no trace."
)
_AT_MOST: Final = "Some of these offsets may have been done before: their number is an upper bound."
_GONE: Final = (
    "The group was done with it, and then it left the log. Without the record nobody can tell whether it was delivered "
    "or filtered. No loss of it is recorded, and it is no dead letter."
)
_AGE: Final = "Its route has max_age: whether it was too old when its turn came is not known."


def done(facts: RecordFacts, event: WalkedEvent | None) -> DecidedFate:
    """Decides; letters of the event were looked for before."""
    committed = None if facts.offsets is None else facts.offsets.committed
    if committed is not None and committed.is_beginning:
        begins = f"The group begins at offset {committed.offset} of {facts.partition}, and has committed nothing since"
        return DecidedFate(NotReadFate(f"{begins}: no bridge of it has read what is below."))
    lost = loss_of(facts)
    if lost is not None:
        return DecidedFate(lost, (_AT_MOST,))
    if facts.presence is RecordPresence.ABORTED:
        return DecidedFate(NoRecordFate(ABORTED))
    if facts.presence is RecordPresence.NO_RECORD:
        return DecidedFate(NoRecordFate(NO_RECORD), ("If there was one, the group was done with it.",))
    return _without_content(facts) if event is None else _by_mapping(facts, event)


def _without_content(facts: RecordFacts) -> DecidedFate:
    if facts.presence is RecordPresence.GONE:
        return DecidedFate(UnknownFate(_GONE), perhaps_gone(facts))
    return DecidedFate(UnknownFate(f"The group is done with it. What it became cannot be told: {facts.unread}"))


def loss_of(facts: RecordFacts) -> LostFate | None:
    """What is recorded of it as lost."""
    if not facts.losses:
        return None
    newest = max(facts.losses, key=lambda each: each.at)
    lost = newest.lost
    where = f"offsets from {lost.start} on" if lost.stop is None else f"offsets {lost.start} to {lost.stop - 1}"
    if lost.reason != PASSED:
        return LostFate(f"It left the log before it was done ({where}, {lost.reason}).", newest.at)
    sentence = f"The committed offset was set past it while it was not done ({where}): no bridge sends it."
    if facts.presence is RecordPresence.GONE:
        return LostFate(sentence, newest.at)
    back = command("offsets", "set", str(facts.partition), "--to", str(facts.offset))
    return LostFate(sentence, newest.at, f"To send it, with all that is done behind it once more: `{back}`.")


def _by_mapping(facts: RecordFacts, event: WalkedEvent) -> DecidedFate:
    of_mapping = _OTHER_MAPPING if facts.is_same_mapping is False else _OF_MAPPING
    unknown = (*perhaps_gone(facts), of_mapping, _OFFSET_MOVED)
    made = event.made
    if made.result == "filtered":
        sentence = f"{made.sentence[:1].upper()}{made.sentence[1:]}."
        return DecidedFate(FilteredFate(made.reason, sentence, event.route), (*perhaps_gone(facts), of_mapping))
    if made.result == "schema_needed":
        sentence = f"The group is done with it. What it became cannot be told here: {made.sentence}."
        return DecidedFate(UnknownFate(sentence, "Give the schema with --schema ID=FILE."), unknown)
    if made.result == "dead_letter":
        sentence = (
            f"The group is done with it. Today's mapping makes a dead letter of it ({made.reason}: {made.sentence}), "
            "and there is none: the mapping was another one, or the dead letter is gone."
        )
        return DecidedFate(UnknownFate(sentence), unknown)
    if facts.letters.problem is not None:
        return DecidedFate(UnknownFate("The group is done with it: it was delivered, or is a dead letter."), unknown)
    sentence = "The group is done with it, it makes a request, and there is no dead letter and no loss of it."
    age = (_AGE,) if event.made_now.result != "request" else ()
    return DecidedFate(DeliveredFate(sentence), (*age, *unknown))
