"""What holds of every verdict, whatever is known."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.explain.decide import decide
from bridge.explain.facts import Halt, LettersKnown, RecordPresence
from bridge.explain.fates import DeliveredFate, FateState, FilteredFate, LostFate, WaitingFate
from bridge.formats.losses import PASSED
from bridge.formats.operator_hold import OperatorHold
from bridge.formats.resolutions import Attempted, Ended, Ending
from bridge.holds import Reason
from bridge.mapping.review.walk import Result
from tests.unit.explain.conftest import ended, event, facts, failed_replay, letters, loss, offsets

committed = st.none() | st.integers(0, 40)
logs = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted)
RESULTS: tuple[Result, ...] = ("request", "filtered", "dead_letter", "schema_needed")
results = st.sampled_from(RESULTS)
runs = st.lists(st.integers(1, 6), max_size=4).map(lambda found: found[: len(found) // 2 * 2])
STANDINGS: tuple[tuple[Ended | Attempted, ...], ...] = (
    (),
    (failed_replay(),),
    (ended(Ending.REPLAYED),),
    (ended(Ending.DISCARDED),),
)
standing = st.sampled_from(STANDINGS)


_WITHIN = (RecordPresence.THERE, RecordPresence.ABORTED, RecordPresence.NO_RECORD, RecordPresence.OPEN_TRANSACTION)


@st.composite
def known(draw: st.DrawFn) -> Any:
    """Facts that can be true together."""
    first, end = draw(logs)
    offset = draw(st.integers(0, 35))
    at = draw(committed)
    hold = draw(st.none() | st.just(OperatorHold("r", "ada", 1)))
    found = offsets(at, first, end, *draw(runs), hold=hold)
    if offset < first:
        presence = RecordPresence.GONE
    elif offset >= end:
        presence = RecordPresence.NOT_YET
    else:
        presence = draw(
            st.sampled_from(
                (
                    RecordPresence.THERE,
                    RecordPresence.ABORTED,
                    RecordPresence.NO_RECORD,
                    RecordPresence.OPEN_TRANSACTION,
                )
            )
        )
    of_letters = LettersKnown(problem=draw(st.none() | st.just("Not read.")))
    if of_letters.problem is None and draw(st.booleans()):
        of_letters = letters(offset, *draw(standing))
    losses = (loss(max(0, offset - 1), offset + 2, draw(st.sampled_from((PASSED, "out_of_range")))),)
    return facts(
        offset,
        found if draw(st.booleans()) or at is not None else None,
        presence,
        letters=of_letters,
        losses=losses if draw(st.booleans()) else (),
        halt=draw(st.none() | st.sampled_from(list(Reason)).map(lambda reason: Halt(reason.value))),
        is_consumed=draw(st.booleans()),
    )


@given(known(), st.none() | results.map(event))
def test_every_event_has_one_fate_with_a_sentence(found: Any, made: Any) -> None:
    decided = decide(found, made)

    assert decided.fate.state in set(FateState)
    assert decided.fate.sentence
    assert all(each and each[0].isupper() for each in decided.unknown)


@given(known(), results.map(event))
def test_only_what_is_done_or_replayed_is_called_delivered_or_filtered(found: Any, made: Any) -> None:
    fate = decide(found, made).fate

    if isinstance(fate, FilteredFate) or (isinstance(fate, DeliveredFate) and fate.place is None):
        assert found.offsets.is_done(found.offset)
        assert not found.losses
    if isinstance(fate, WaitingFate):
        assert not found.offsets.is_done(found.offset)


@given(known(), results.map(event))
def test_a_verdict_from_the_offset_alone_says_what_it_leaves_open(found: Any, made: Any) -> None:
    decided = decide(found, made)

    if isinstance(decided.fate, FilteredFate) or (
        isinstance(decided.fate, DeliveredFate) and decided.fate.place is None
    ):
        assert any("today's mapping" in each for each in decided.unknown)


@given(known(), results.map(event))
def test_a_dead_letter_is_never_told_otherwise(found: Any, made: Any) -> None:
    fate = decide(found, made).fate

    if found.letters.entries:
        is_replayed = found.letters.entries[0].standing.ended is not None and isinstance(fate, DeliveredFate)
        assert is_replayed or fate.state is FateState.DEAD_LETTER


@given(known(), results.map(event))
def test_what_is_recorded_as_lost_is_not_called_delivered(found: Any, made: Any) -> None:
    fate = decide(found, made).fate

    if found.losses and found.offsets is not None and found.is_consumed and not found.letters.entries:
        if found.offsets.is_done(found.offset):
            assert isinstance(fate, LostFate)
        assert fate.state not in {FateState.DELIVERED, FateState.FILTERED}
