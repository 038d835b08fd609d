"""What the demo shows at its end, from what the emulated API and the dead-letter topic really hold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from bridge.commands import completed
from bridge.demo.scenario import API_KEY, DEAD_LETTER_TOPIC, DemoResult
from bridge.reprocess.replay.letters import LetterResult
from bridge.sandbox.emulator.ledger import Accepted
from bridge.text.amounts import thousands

_SPELLING = {"x-api-version": "X-API-Version"}
"""The emulated API reads header names in lower case, as HTTP lets it."""
_TOPIC_OF = {"Order Completed": "shop.orders", "Feature Used": "app.activity"}


def findings(result: DemoResult) -> list[str]:
    """What went wrong, as sentences; empty when the demo kept every promise."""
    sample, records = result.sample, result.snapshot.tally
    wrong = []
    expected = {
        "delivered": (sample.sendable, records.delivered),
        "filtered": (sample.filtered, records.filtered),
        "dead_lettered": (sample.rejected + sample.unmappable + sample.undecodable, records.dead_lettered),
    }
    for name, (due, seen) in expected.items():
        if due != seen:
            wrong.append(f"{name}: {thousands(seen)} records, {thousands(due)} were due")
    lost = sample.sendable - len({event.metadata["event_id"] for event in result.accepted})
    if lost:
        wrong.append(f"{lost} events never reached the API")
    wrong += [f"order: {sentence}" for sentence in overtaken(result.accepted)]
    if result.unidentified or not result.first_requests:
        wrong.append(f"{result.unidentified} events came before their user was identified")
    wrong += [f"two requests of user {user} were in flight at once" for user in result.overlaps[:5]]
    if result.corrected.outcome.results[LetterResult.REPLAYED] != sample.rejected + sample.unmappable:
        wrong.append(
            f"replayed: {dict(result.corrected.outcome.results)}, {sample.rejected + sample.unmappable} were due"
        )
    if len({event.metadata["event_id"] for event in result.corrected.accepted}) != len(result.corrected.accepted):
        wrong.append("a dead letter was sent twice")
    if result.corrected.still_open != sample.undecodable:
        wrong.append(f"{result.corrected.still_open} dead letters are open, {sample.undecodable} were due")
    if records.gap:
        wrong.append(f"the accounting has a gap of {records.gap}")
    return wrong


def overtaken(accepted: Sequence[Accepted]) -> list[str]:
    """Events that arrived before an earlier one of the same user and topic. A repeated event is no overtaking."""
    last: dict[tuple[str, str], int] = {}
    wrong = []
    for event in accepted:
        whose = (event.user_id, _TOPIC_OF.get(event.event_name, "shop.accounts"))
        number = int(event.metadata["n"])
        if number < last.get(whose, 0):
            wrong.append(f"event {number} of {whose[0]} in {whose[1]} came after {last[whose]}")
        last[whose] = max(number, last.get(whose, 0))
    return wrong


def report(result: DemoResult) -> Iterator[str]:
    """The lines to print."""
    yield from _accounting(result)
    yield from _request(result)
    yield from _letters(result)
    yield from _corrected(result)
    yield from _order(result)


def _counted(count: int, what: str) -> str:
    return f"  {thousands(count):>6}  {what}"


def _accounting(result: DemoResult) -> Iterator[str]:
    records, sample = result.snapshot.tally, result.sample
    reasons = {
        "rule": "their type is mapped to drop",
        "unmapped": "no route names their type",
        "tombstone": "they have no value",
    }
    yield "What became of the records"
    yield _counted(records.consumed, "consumed")
    yield _counted(records.delivered, "delivered: the API answered 202, then the offset was committed")
    for reason, count in sorted(records.filtered_by_reason().items(), key=lambda pair: -pair[1]):
        yield _counted(count, f"filtered, {reason.value}: {reasons.get(reason.value, 'by a rule of the mapping')}")
    yield _counted(
        records.dead_lettered, f"dead-lettered: in the topic {DEAD_LETTER_TOPIC}, unchanged, with the reason"
    )
    yield _counted(records.gap, "unaccounted for")
    duplicates = len(result.accepted) - sample.sendable
    retries = ", ".join(f"{count} {reason}" for reason, count in sorted(result.snapshot.tally.retries.items()))
    yield f"  Duplicates: {duplicates}. Requests repeated: {retries or 'none'}."
    yield ""


def _request(result: DemoResult) -> Iterator[str]:
    yield "A user is identified, and the user's first event follows: as they were sent (the key hidden)"
    for request in result.first_requests:
        yield f"  {request.method} {request.path} HTTP/1.1"
        for name, value in request.headers.items():
            yield f"  {_SPELLING.get(name, name.title())}: {value.replace(API_KEY, '…')}"
        yield ""
        yield f"  {request.body.decode()}"
        yield ""


def _letters(result: DemoResult) -> Iterator[str]:
    yield f"The dead letters in {DEAD_LETTER_TOPIC}"
    letters = result.corrected.letters
    counts = Counter(letter.reason for letter in letters)
    for reason, letter in {letter.reason: letter for letter in reversed(letters)}.items():
        yield f"  {counts[reason]:>3}  {reason}, for example {letter.origin}:"
        yield f"       {letter.message}"
    yield ""


def _corrected(result: DemoResult) -> Iterator[str]:
    corrected = result.corrected
    yield "The dead letters again, after the mapping was fixed"
    yield "          user_id: data.user_id became key; order.imported is sent as Order Completed, which the API knows"
    yield _counted(corrected.outcome.results[LetterResult.REPLAYED], "replayed: sent to the API, which accepted them")
    yield _counted(corrected.still_open, "still open: no mapping makes an event of bytes that cannot be decoded")
    yield completed(
        "  Yours: `track-bridge dlq stats`, `track-bridge dlq show ID`, `track-bridge dlq replay --dry-run` "
        "(docs/dead-letters.md)"
    )
    yield ""


def _order(result: DemoResult) -> Iterator[str]:
    users = len({event.user_id for event in result.accepted})
    wrong = overtaken(result.accepted)
    yield "Order"
    if wrong or result.overlaps:
        yield from (f"  {sentence}" for sentence in wrong[:5])
    else:
        yield (
            f"  {thousands(len(result.accepted))} events of {users} users arrived in their records' order, "
            "never two of one user at once."
        )
    yield ""


def as_json(result: DemoResult) -> str:
    """The same facts for a script."""
    records = result.snapshot.tally
    return json.dumps(
        {
            "consumed": records.consumed,
            "delivered": records.delivered,
            "filtered": {reason.value: count for reason, count in records.filtered_by_reason().items()},
            "dead_lettered": records.dead_lettered,
            "duplicates": len(result.accepted) - result.sample.sendable,
            "replayed": result.corrected.outcome.results[LetterResult.REPLAYED],
            "still_open": result.corrected.still_open,
            "gap": records.gap,
            "problems": findings(result),
            "seconds": round(result.seconds, 1),
        }
    )
