"""Statistics tell the causes of dead letters apart, and one cause is one line, in a bound."""

from __future__ import annotations

from bridge.formats.letters import parse
from bridge.model import LetterReason
from bridge.reprocess.reading.redaction import redaction
from bridge.reprocess.reading.statistics import Sayings
from tests.support.reprocess.letters import WRITTEN_MS, letter

NOTHING = redaction((), everything=False)


def _sayings(*messages: str, most: int = 250, hidden: tuple[str, ...] = ()) -> Sayings:
    said = Sayings(redaction(hidden, everything=False), most)
    for number, message in enumerate(messages):
        said.add(parse(letter(number, message=message).record(number)))
    return said


def test_letters_of_one_cause_are_one_line_with_count_times_and_the_oldest_of_them() -> None:
    said = _sayings(*(f"record {n}: data.user_id is missing" for n in range(97)), "no 'x'", "no 'y'")
    found = [(each.reason, each.message, each.count, str(each.sample)) for each in said.commonest()]
    assert found == [
        ("rejected", "record #: data.user_id is missing", 97, "0:0"),
        ("rejected", "no '…'", 2, "0:97"),
    ]
    first = said.commonest()[0]
    assert first.first_ms is not None
    assert first.last_ms is not None
    assert first.first_ms <= first.last_ms


def test_the_same_message_of_another_reason_is_another_cause() -> None:
    said = Sayings(NOTHING)
    said.add(parse(letter(1, message="no").record(0)))
    said.add(parse(letter(2, message="no", reason=LetterReason.EXPIRED).record(1)))
    assert {each.reason for each in said.commonest()} == {"rejected", "expired"}


def test_the_oldest_is_shown_in_whatever_order_the_partitions_are_read() -> None:
    said = Sayings(NOTHING)
    for offset in (5, 3, 4):
        said.add(parse(letter(offset).record(offset)))
    (only,) = said.commonest()
    assert (str(only.sample), only.first_ms, only.last_ms) == ("0:3", WRITTEN_MS + 3, WRITTEN_MS + 5)


def test_of_endless_causes_the_commonest_stay_and_the_rest_is_counted() -> None:
    rare = ["".join(chr(97 + int(digit)) for digit in str(n)) for n in range(500)]
    said = _sayings(*(text for each in rare for text in (each, "common")), most=20)
    assert len(said.commonest()) <= 40
    assert (said.commonest()[0].message, said.commonest()[0].count) == ("common", 500)
    assert sum(each.count for each in said.commonest()) + said.unlisted == 1000


def test_what_dead_letter_redact_hides_is_in_no_message() -> None:
    said = Sayings(redaction(["data.email"], everything=False))
    value = b'{"type": "x", "data": {"email": "ann@example.org", "user": "u"}}'
    said.add(parse(letter(1, value=value, message="ann@example.org is taken, says ann@example.org").record(0)))
    assert "ann" not in said.commonest()[0].message


def test_a_sample_has_route_and_record_but_for_a_large_one() -> None:
    said = Sayings(NOTHING)
    said.add(parse(letter(2, value=b"x" * 70_000).record(2)))
    (only,) = said.commonest()
    assert only.record is None
    said.add(parse(letter(1, value=b"{}").record(1)))
    (only,) = said.commonest()
    assert only.record is not None
    assert (only.record.value, str(only.sample)) == (b"{}", "0:1")
