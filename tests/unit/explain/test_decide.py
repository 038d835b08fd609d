"""What became of an event: each case that a verdict depends on, once."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from bridge.explain.decide import decide
from bridge.explain.facts import Halt, LettersKnown, RecordFacts, RecordPresence
from bridge.explain.fates import DeadLetterFate, DeliveredFate, FateState, FilteredFate, LostFate, Retrying, WaitingFate
from bridge.formats.losses import PASSED
from bridge.formats.offset_map import Head
from bridge.formats.operator_hold import OperatorHold
from bridge.formats.resolutions import Ending
from bridge.mapping.review.walk import WalkedEvent
from bridge.model import FailedStep, LetterReason, Route, output_of
from bridge.reprocess.reading.ledger import LetterState
from tests.unit.explain.conftest import AT, ended, event, facts, failed_replay, letters, loss, offsets

HELD = OperatorHold("wrong amounts", "ada", 1_767_000_000)
ROUTE = Route("order.completed", "0123456789ab", "Order")


class Case(NamedTuple):
    name: str
    facts: RecordFacts
    event: WalkedEvent | None
    state: FateState
    says: str


CASES = (
    # --- not done
    Case("waits, and nobody says why", facts(60, offsets(50)), event(), FateState.WAITING, "Why it waits is not known"),
    Case(
        "waits as its replica says",
        facts(60, offsets(50), halt=Halt("rate_limited", "Waits for the budget.")),
        event(),
        FateState.WAITING,
        "Waits for the budget.",
    ),
    Case(
        "waits while an operator holds it", facts(60, offsets(50, hold=HELD)), event(), FateState.WAITING, "Held by ada"
    ),
    Case(
        "waits where the committed offset is above the log",
        facts(60, offsets(200)),
        event(),
        FateState.WAITING,
        "above",
    ),
    Case(
        "waits in a topic that was created again",
        facts(60, offsets(50, topic_id="AAAAAAAAAAAAAAAAAAAAAg")),
        event(),
        FateState.WAITING,
        "an earlier topic of this name",
    ),
    Case(
        "waits behind an open transaction",
        facts(60, offsets(50, stable=55), RecordPresence.OPEN_TRANSACTION),
        None,
        FateState.WAITING,
        "can be read up to offset 55 only",
    ),
    Case("waits, to be filtered", facts(60, offsets(50)), event("filtered", "when"), FateState.WAITING, ""),
    Case("is open between what is done", facts(54, offsets(50, 0, 100, 1, 3, 1, 9)), event(), FateState.WAITING, ""),
    Case(
        "is not written yet",
        facts(100, offsets(50), RecordPresence.NOT_YET),
        None,
        FateState.NO_RECORD,
        "ends before offset 100",
    ),
    Case("was aborted", facts(60, offsets(50), RecordPresence.ABORTED), None, FateState.NO_RECORD, "aborted"),
    Case(
        "is a mark, or was compacted",
        facts(60, offsets(50), RecordPresence.NO_RECORD),
        None,
        FateState.NO_RECORD,
        "compaction",
    ),
    Case("has no committed offset", facts(60, offsets(None)), event(), FateState.NOT_READ, "kafka.start_from"),
    Case(
        "left the log before it was done",
        facts(20, offsets(10, 30), RecordPresence.GONE),
        None,
        FateState.LOST,
        "begins at 30 now",
    ),
    Case(
        "left the log, as is recorded",
        facts(20, offsets(10, 30), RecordPresence.GONE, losses=(loss(10, 30, "out_of_range"),)),
        None,
        FateState.LOST,
        "offsets 10 to 29, out_of_range",
    ),
    Case(
        "left a log in which nothing is committed",
        facts(20, offsets(None, 30), RecordPresence.GONE),
        None,
        FateState.UNKNOWN,
        "no committed offset in it",
    ),
    # --- done
    Case("is delivered", facts(40, offsets(50)), event(), FateState.DELIVERED, "no dead letter and no loss"),
    Case(
        "is delivered above the committed offset",
        facts(52, offsets(50, 0, 100, 1, 3)),
        event(),
        FateState.DELIVERED,
        "",
    ),
    Case(
        "is filtered",
        facts(40, offsets(50)),
        event("filtered", "when"),
        FateState.FILTERED,
        "The sentence of the mapping.",
    ),
    Case(
        "would be a dead letter today",
        facts(40, offsets(50)),
        event("dead_letter", "unmappable"),
        FateState.UNKNOWN,
        "the mapping was another one, or the dead letter is gone",
    ),
    Case("needs a schema", facts(40, offsets(50)), event("schema_needed"), FateState.UNKNOWN, "cannot be told here"),
    Case(
        "was done and is gone",
        facts(20, offsets(50, 30), RecordPresence.GONE),
        None,
        FateState.UNKNOWN,
        "then it left the log",
    ),
    Case(
        "was passed by somebody",
        facts(40, offsets(50), losses=(loss(30, 50, PASSED),)),
        event(),
        FateState.LOST,
        "was set past it",
    ),
    Case(
        "left the log and the offset was set behind",
        facts(20, offsets(50, 30), RecordPresence.GONE, losses=(loss(10, 30, "out_of_range"),)),
        None,
        FateState.LOST,
        "before it was done",
    ),
    Case(
        "is done, and the dead letters cannot be read",
        facts(40, offsets(50), letters=LettersKnown(problem="The topic is not there.")),
        event(),
        FateState.UNKNOWN,
        "it was delivered, or is a dead letter",
    ),
    Case(
        "is done, and cannot be read",
        facts(40, offsets(50), RecordPresence.UNREADABLE, unread="no."),
        None,
        FateState.UNKNOWN,
        "no.",
    ),
    Case(
        "was compacted after it was done",
        facts(40, offsets(50), RecordPresence.NO_RECORD),
        None,
        FateState.NO_RECORD,
        "compaction",
    ),
    # --- dead letters
    Case("is an open dead letter", facts(40, offsets(50), letters=letters(40)), event(), FateState.DEAD_LETTER, "0:17"),
    Case(
        "is one that failed again",
        facts(40, offsets(50), letters=letters(40, failed_replay())),
        event(),
        FateState.DEAD_LETTER,
        "1 of its replays failed",
    ),
    Case(
        "was discarded",
        facts(40, offsets(50), letters=letters(40, ended(Ending.DISCARDED, "test data"))),
        event(),
        FateState.DEAD_LETTER,
        "by ada: test data",
    ),
    Case(
        "was replayed",
        facts(40, offsets(50), letters=letters(40, ended(Ending.REPLAYED))),
        event(),
        FateState.DELIVERED,
        "a replay of it was accepted",
    ),
    Case(
        "is a dead letter whose record is gone",
        facts(20, offsets(50, 30), RecordPresence.GONE, letters=letters(20)),
        None,
        FateState.DEAD_LETTER,
        "0:17",
    ),
    Case(
        "is a dead letter although somebody passed it",
        facts(40, offsets(50), letters=letters(40), losses=(loss(30, 50, PASSED),)),
        event(),
        FateState.DEAD_LETTER,
        "0:17",
    ),
    Case(
        "is another event than the dead letter of its record",
        facts(40, offsets(50), letters=letters(40, output=1, route=ROUTE)),
        event(),
        FateState.DELIVERED,
        "",
    ),
    Case(
        "is of a record that is a dead letter as a whole",
        facts(40, offsets(50), letters=letters(40, reason=LetterReason.UNDECODABLE)),
        event(number=3),
        FateState.DEAD_LETTER,
        "undecodable",
    ),
    # --- beyond the group
    Case(
        "is of a topic that is not read",
        facts(40, offsets(50), is_consumed=False),
        event(),
        FateState.NOT_READ,
        "does not take",
    ),
    Case(
        "is where no broker answers",
        facts(40, None, RecordPresence.UNREADABLE),
        None,
        FateState.UNKNOWN,
        "The brokers did not say",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_event_has_the_fate_that_what_is_known_says(case: Case) -> None:
    found = decide(case.facts, case.event)

    assert found.fate.state is case.state, found
    assert case.says in found.fate.sentence


def test_every_state_has_a_case() -> None:
    assert {case.state for case in CASES} == set(FateState)


# --- what is left open is said ------------------------------------------------------------------------


def test_a_done_event_is_told_by_todays_mapping_and_says_so() -> None:
    delivered = decide(facts(40, offsets(50)), event())
    filtered = decide(facts(40, offsets(50)), event("filtered", "when"))

    for found in (delivered, filtered):
        assert any("by today's mapping" in each for each in found.unknown)
    assert any("leaves no trace" in each for each in delivered.unknown)
    other = decide(facts(40, offsets(50), is_same_mapping=False), event())
    assert any("was made by another one" in each for each in other.unknown)


def test_a_replayed_dead_letter_leaves_nothing_open() -> None:
    found = decide(facts(40, offsets(50), letters=letters(40, ended(Ending.REPLAYED))), event())

    assert isinstance(found.fate, DeliveredFate)
    assert (found.fate.at, found.fate.by, str(found.fate.place), found.unknown) == (AT, "ada", "0:17", ())
    assert not found.needs_a_look


def test_an_event_that_is_too_old_today_may_have_been_in_time() -> None:
    found = decide(facts(40, offsets(50)), event(now="filtered"))

    assert isinstance(found.fate, DeliveredFate)
    assert any("max_age" in each for each in found.unknown)


def test_an_event_that_still_waits_is_judged_by_its_age_today() -> None:
    found = decide(facts(60, offsets(50)), event(now="filtered"))

    assert isinstance(found.fate, WaitingFate)
    assert found.fate.then == "nothing, as it is filtered (expired): older than max_age (3600 s)"


def test_dead_letters_that_retention_took_may_have_been_it() -> None:
    gone = facts(40, offsets(50), letters=LettersKnown(whole_since=AT + 1))
    whole = facts(40, offsets(50), letters=LettersKnown(whole_since=AT - 1))

    assert any("left their topic" in each for each in decide(gone, event()).unknown)
    assert not any("left their topic" in each for each in decide(whole, event()).unknown)


def test_how_many_wait_before_it_leaves_out_what_is_done() -> None:
    found = decide(facts(60, offsets(50, 0, 100, 1, 3)), event())

    assert isinstance(found.fate, WaitingFate)
    assert found.fate.before == 10 - 3


def test_a_hold_needs_someone_and_a_budget_does_not() -> None:
    held = decide(facts(60, offsets(50, hold=HELD)), event())
    budget = decide(facts(60, offsets(50), halt=Halt("rate_limited", until=AT, empty_at=AT + 60)), event())

    assert isinstance(held.fate, WaitingFate)
    assert isinstance(budget.fate, WaitingFate)
    assert (held.fate.why, held.fate.since, held.needs_a_look) == ("held_by_operator", 1_767_000_000.0, True)
    assert (budget.fate.until, budget.fate.empty_at, budget.needs_a_look) == (AT, AT + 60, False)
    assert budget.fate.sentence == "Records wait for the rate budget of the API token."


def test_a_pause_ends_by_itself_and_one_that_ended_holds_nothing() -> None:
    paused = OperatorHold("too much", "ada", 1_767_000_000, 1_767_600_000)
    during, after = (
        decide(facts(60, offsets(50, hold=paused), now=now), event()).fate for now in (1_767_500_000.0, 1_767_600_000.0)
    )

    assert isinstance(during, WaitingFate)
    assert (during.why, during.until, during.needs_someone) == ("held_by_operator", 1_767_600_000.0, False)
    assert isinstance(after, WaitingFate)
    assert after.why is None


def test_attempts_that_a_replica_makes_are_told() -> None:
    retrying = Retrying(3, "server_error", 503, "req-1")
    found = decide(facts(60, offsets(50), halt=Halt("retry_after"), retrying=retrying), event())

    assert isinstance(found.fate, WaitingFate)
    assert found.fate.retrying == retrying


def test_an_offset_that_was_set_past_a_record_can_be_set_back_as_long_as_it_is_there() -> None:
    passed = (loss(30, 50, PASSED),)
    there = decide(facts(40, offsets(50), losses=passed), event()).fate
    gone = decide(facts(40, offsets(60, 50), RecordPresence.GONE, losses=passed), None).fate

    assert isinstance(there, LostFate)
    assert isinstance(gone, LostFate)
    assert "track-bridge offsets set orders/0 --to 40" in there.action
    assert not gone.action


def test_a_dead_letter_names_the_command_that_shows_it() -> None:
    found = decide(facts(40, offsets(50), letters=letters(40)), event())

    assert isinstance(found.fate, DeadLetterFate)
    assert (found.fate.letter_state, found.fate.command) == (LetterState.OPEN, "track-bridge dlq show 0:17")
    assert found.needs_a_look
    assert not decide(facts(40, offsets(50), letters=letters(40, ended(Ending.DISCARDED))), event()).needs_a_look


def test_a_dead_letter_of_a_record_that_is_not_committed_is_mapped_once_more_after_a_crash() -> None:
    assert decide(facts(60, offsets(50), letters=letters(60)), event()).unknown
    assert not decide(facts(40, offsets(50), letters=letters(40)), event()).unknown


def test_what_is_below_the_beginning_of_a_group_was_not_sent_by_it() -> None:
    known = offsets(50)
    assert known.committed is not None
    begun = replace(known, committed=replace(known.committed, metadata="", is_beginning=True))

    assert decide(facts(40, begun), event()).fate.state is FateState.NOT_READ
    assert decide(facts(60, begun), event()).fate.state is FateState.WAITING


# --- several events of one record ----------------------------------------------------------------------


def test_steps_behind_the_one_that_failed_are_left_with_its_letter() -> None:
    known = letters(40, output=1, route=ROUTE, step=FailedStep(1, 3))
    before, failed, behind = (
        decide(facts(40, offsets(50), letters=known), event(number=number, step=number, of=3)).fate
        for number in range(3)
    )

    assert isinstance(before, DeliveredFate)
    assert isinstance(failed, DeadLetterFate)
    assert not failed.is_rest
    assert isinstance(behind, DeadLetterFate)
    assert behind.is_rest
    assert behind.sentence.startswith("A step before it is dead letter 0:17")


def test_an_event_with_a_letter_of_its_own_is_not_told_by_that_of_a_step_before_it() -> None:
    before = letters(40, output=0, route=ROUTE, step=FailedStep(0, 2), place=1).entries
    own = letters(40, ended(Ending.DISCARDED), output=1, route=ROUTE, step=FailedStep(1, 2), place=2).entries
    found = decide(facts(40, offsets(50), letters=LettersKnown((*before, *own))), event(number=1, step=1, of=2)).fate

    assert isinstance(found, DeadLetterFate)
    assert (str(found.place), found.is_rest) == ("0:2", False)


def test_of_an_offset_in_another_log_it_is_said_that_earlier_deliveries_are_not_known() -> None:
    assert any("not in this log" in each for each in decide(facts(60, offsets(200)), event()).unknown)


def test_steps_that_were_sent_nevertheless_are_no_part_of_the_letter() -> None:
    known = letters(40, output=0, route=ROUTE, step=FailedStep(0, 2, rest_sent=True))

    assert isinstance(decide(facts(40, offsets(50), letters=known), event(number=1, step=1, of=2)).fate, DeliveredFate)


def test_what_a_replay_got_accepted_of_an_open_letter_is_delivered() -> None:
    known = letters(40, failed_replay(1), output=1, route=ROUTE, step=FailedStep(1, 3))
    accepted, left = (
        decide(facts(40, offsets(50), letters=known), event(number=number, step=number, of=3)).fate for number in (1, 2)
    )

    assert isinstance(accepted, DeliveredFate)
    assert accepted.at == AT
    assert isinstance(left, DeadLetterFate)


def test_elements_that_are_done_are_told_from_those_that_are_not() -> None:
    head = Head(elements=4, done=(range(1, 3),), way=9)
    known = offsets(50, 0, 100, 2, 1, head=head)
    states = [
        decide(facts(50, known, elements_way=way), event(number=output_of(element, 0), element=element)).fate.state
        for element, way in ((0, 9), (1, 9), (2, 9), (3, 9), (1, 8))
    ]

    assert states == [
        FateState.WAITING,
        FateState.DELIVERED,
        FateState.DELIVERED,
        FateState.WAITING,
        FateState.WAITING,  # taken apart in another way, the number is of another element
    ]


def test_a_letter_of_one_element_is_not_that_of_another() -> None:
    known = letters(40, output=output_of(2, 0), element=2, route=ROUTE)
    own, other = (
        decide(facts(40, offsets(50), letters=known), event(number=output_of(element, 0), element=element)).fate
        for element in (2, 1)
    )

    assert isinstance(own, DeadLetterFate)
    assert isinstance(other, DeliveredFate)


def test_a_record_of_several_events_that_is_not_done_may_have_sent_some() -> None:
    assert any("some may have been sent" in each for each in decide(facts(60, offsets(50)), event(of=2)).unknown)
    assert not decide(facts(60, offsets(50)), event()).unknown


def test_a_filtered_event_names_its_reason_and_its_route() -> None:
    found = decide(facts(40, offsets(50)), event("filtered", "sampled_out")).fate

    assert isinstance(found, FilteredFate)
    assert (found.reason, found.route) == ("sampled_out", "order.completed")
