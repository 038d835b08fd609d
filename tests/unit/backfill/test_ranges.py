"""Which offsets are history: disjoint from what the running bridge delivers, or refused with a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.backfill.planning.bounds import Bound, LogBound, OffsetsAtTimes, TimeBound, parse
from bridge.backfill.planning.first_delivered import contradictions
from bridge.backfill.planning.first_delivered import notes as since_notes
from bridge.backfill.planning.ranges import PartitionFacts, RangeDecision, WantedRanges, decide, uncovered
from bridge.config.keys.scalars import StartAge, StartPoint, StartTime
from bridge.model import LogRange, TopicPartition

HERE = TopicPartition("shop.orders", 0)
FACTS = PartitionFacts(HERE, LogRange(10, 100), 100)


def decided(facts: PartitionFacts, *, at_times: OffsetsAtTimes | None = None, **wanted: object) -> RangeDecision:
    return decide([facts], WantedRanges(**wanted), at_times or {})  # type: ignore[arg-type]


def span_of(decision: RangeDecision) -> tuple[int, int]:
    assert decision.refusals == ()
    return decision.ranges[0].start, decision.ranges[0].end


def refusal(decision: RangeDecision) -> str:
    assert decision.ranges == ()
    return decision.refusals[0]


bounds = st.sampled_from([LogBound.EARLIEST, LogBound.LATEST, LogBound.GROUP]) | st.integers(0, 60)


@given(
    first=st.integers(0, 20),
    length=st.integers(0, 30),
    open_=st.integers(0, 5),
    began=st.integers(0, 50),
    delivered=st.integers(0, 20),
    is_known=st.booleans(),
    start=bounds.filter(lambda each: each is not LogBound.GROUP),
    end=bounds,
)
def test_no_range_has_an_offset_that_the_running_bridge_delivers(
    *, first: int, length: int, open_: int, began: int, delivered: int, is_known: bool, start: Bound, end: Bound
) -> None:
    """Of a bridge that began somewhere, has delivered some, and delivers whatever comes."""
    log = LogRange(first, first + length)
    stable = max(first, log.end - open_)
    began = min(max(began, first), stable)
    committed = min(began + delivered, stable)
    facts = PartitionFacts(HERE, log, stable, committed, has_worked=committed > began, topic_started=True)

    found = decided(facts, start=start, end=end, live_since=began if is_known else None)

    assert len(found.ranges) + len(found.refusals) == 1
    for each in found.ranges:
        assert log.first <= each.start <= each.end <= stable or each.start == each.end
        assert not range(max(each.start, began), each.end), "the bridge delivers these"


@given(first=st.integers(0, 20), length=st.integers(0, 30), open_=st.integers(0, 5), end=bounds)
def test_after_a_cut_history_ends_where_the_group_begins(first: int, length: int, open_: int, end: Bound) -> None:
    log = LogRange(first, first + length)
    facts = PartitionFacts(HERE, log, max(first, log.end - open_))

    found = decided(facts, end=end, cut=True)

    assume(found.ranges)
    assert found.cuts == (HERE,)
    after = replace(facts, committed=found.ranges[0].end, topic_started=True)
    again = decided(after, end=LogBound.GROUP)
    assert again.ranges[0].end == found.ranges[0].end
    assert again.ranges[0].start == found.ranges[0].start


def test_a_group_that_has_begun_is_not_cut() -> None:
    found = decided(replace(FACTS, committed=40, topic_started=True), cut=True)

    assert found.cuts == ()
    assert span_of(found) == (10, 40)


def test_where_nothing_is_committed_it_is_said_that_the_start_is_not_decided() -> None:
    assert "nothing says where the bridge will begin" in refusal(decided(FACTS))
    assert "--cut" in refusal(decided(FACTS, end=LogBound.LATEST))


def test_an_added_partition_is_read_from_its_beginning_by_the_bridge() -> None:
    added = replace(FACTS, topic_started=True)

    assert "would read this one from its beginning" in refusal(decided(added, end=50))
    assert span_of(decided(added, end=50, cut=True)) == (10, 50)


def test_a_range_above_the_committed_offset_says_how_much_the_bridge_delivers_of_it() -> None:
    facts = replace(FACTS, committed=40, topic_started=True, done=(range(50, 60),))

    sentence = refusal(decided(facts, end=55))

    assert "reaches above the group's committed offset 40" in sentence
    assert "delivers 15 offsets of it (5 of them are done already)" in sentence
    assert "--to 40" in sentence
    assert "--until group" in sentence


def test_what_a_bridge_delivered_below_its_committed_offset_is_refused_until_it_is_said_since_when() -> None:
    facts = replace(FACTS, committed=80, topic_started=True, has_worked=True)

    assert "nothing in Kafka says since which" in refusal(decided(facts, end=50))
    assert span_of(decided(facts, end=50, live_since=60)) == (10, 50)
    assert "has delivered since offset 30: 20 offsets" in refusal(decided(facts, end=50, live_since=30))


def test_below_a_commit_that_does_not_say_who_made_it_a_range_is_refused_until_it_is_said() -> None:
    facts = replace(FACTS, committed=80, topic_started=True, is_unclear=True)

    sentence = refusal(decided(facts))

    assert (
        "nothing in Kafka says whether a bridge of the group has delivered what is below its committed offset 80"
        in (sentence)
    )
    assert "up to 70 offsets" in sentence
    assert all(way in sentence for way in ("--live-since group", "--overlap"))
    assert span_of(decided(facts, live_since=LogBound.GROUP)) == (10, 80)
    assert decided(facts, overlap=True).ranges[0].overlap == 70


def test_of_a_bridge_at_work_nobody_can_say_that_nothing_below_is_its_own() -> None:
    facts = replace(FACTS, committed=80, topic_started=True, has_worked=True)

    assert "a bridge at work committed offset 80" in refusal(decided(facts, live_since=LogBound.GROUP))


def test_since_when_means_the_first_record_that_was_delivered() -> None:
    facts = replace(FACTS, committed=80, topic_started=True, has_worked=True)

    sentence = refusal(decided(facts))

    assert "of the first record that it delivered" in sentence
    assert "with start_from: earliest" in sentence
    assert "started at" not in sentence


def test_a_cut_does_not_make_a_bridge_deliver_again_what_it_is_said_to_have_delivered() -> None:
    """Its offsets have expired; on a partition that was added since, a cut is right."""
    assert "with --cut it would deliver that again" in refusal(decided(FACTS, live_since=40, cut=True))
    added = replace(FACTS, topic_started=True)
    assert span_of(decided(added, live_since=40, cut=True)) == (10, 100)


EARLY, LATE = TimeBound(1000, "early"), TimeBound(2000, "late")


@pytest.mark.parametrize(
    ("start", "end", "changes"),
    [
        (LATE, EARLY, {}),
        (60, EARLY, {}),
        (LATE, 30, {}),
        (LogBound.LATEST, 30, {}),
        (60, 50, {}),
        # Behind an open transaction, where the range ends.
        (90, LogBound.LATEST, {"stable": 70}),
        (LATE, LogBound.LATEST, {"stable": 70}),
    ],
)
def test_a_range_that_would_begin_behind_its_end_is_refused(start: Bound, end: Bound, changes: dict[str, int]) -> None:
    """With a cut, what lies between would be in no range, and never delivered."""
    times: OffsetsAtTimes = {EARLY: {HERE: 20}, LATE: {HERE: 80}}
    facts = replace(FACTS, **changes)  # type: ignore[arg-type]

    assert "above its end" in refusal(decided(facts, start=start, end=end, cut=True, at_times=times))
    started = replace(facts, committed=20, topic_started=True)
    assert "above its end" in refusal(decided(started, start=start, end=end, live_since=100, at_times=times))


@given(
    first=st.integers(0, 20),
    length=st.integers(0, 30),
    open_=st.integers(0, 5),
    start=bounds.filter(lambda each: each is not LogBound.GROUP),
    end=bounds,
)
def test_no_offset_between_a_cut_and_the_ranges_end_is_left_out(
    *, first: int, length: int, open_: int, start: Bound, end: Bound
) -> None:
    log = LogRange(first, first + length)
    facts = PartitionFacts(HERE, log, max(first, log.end - open_))

    found = decided(facts, start=start, end=end, cut=True)

    assume(found.ranges)
    named = {LogBound.EARLIEST: first, LogBound.LATEST: facts.stable, LogBound.GROUP: facts.stable}
    asked = end if isinstance(end, int) else named[end]  # type: ignore[index]
    assert found.ranges[0].end == max(first, min(asked, facts.stable)), "the bridge begins where it was said"


def test_an_overlap_in_a_group_that_has_not_begun_counts_what_the_bridge_may_deliver() -> None:
    found = decided(FACTS, end=LogBound.LATEST, overlap=True)

    assert (found.ranges[0].overlap, found.cuts) == (90, ())
    assert decided(FACTS, end=LogBound.LATEST, overlap=True, cut=True).ranges[0].overlap == 0


def test_a_bridge_that_began_at_the_logs_start_has_delivered_what_is_older_than_any_time() -> None:
    at_work = [replace(FACTS, committed=80, has_worked=True)]

    sentence = contradictions(LATE, StartPoint.EARLIEST, at_work)[0]
    assert "kafka.start_from is earliest" in sentence
    assert "older than --live-since late" in sentence
    assert contradictions(LATE, StartTime(1999), at_work)
    assert contradictions(LATE, StartPoint.EARLIEST, [replace(FACTS, committed=80, is_unclear=True)])

    assert contradictions(LATE, StartTime(2000), at_work) == []
    assert contradictions(LATE, StartPoint.LATEST, at_work) == []
    assert contradictions(60, StartPoint.EARLIEST, at_work) == []
    assert contradictions(LATE, StartPoint.EARLIEST, [replace(FACTS, committed=80)]) == [], "made to begin by a cut"
    assert "is an age" in since_notes(LATE, StartAge(60.0))[0]
    assert since_notes(LATE, StartPoint.LATEST) == since_notes(60, StartAge(60.0)) == []


def test_an_overlap_is_counted_where_it_is_wanted() -> None:
    facts = replace(FACTS, committed=80, topic_started=True, has_worked=True)

    found = decided(facts, end=90, live_since=60, overlap=True)

    assert found.ranges[0].overlap == 30


def test_a_gap_between_history_and_the_bridge_is_told() -> None:
    facts = replace(FACTS, committed=80, topic_started=True)

    assert decided(facts, end=50).notes == (
        "shop.orders/0: 30 offsets between the range's end 50 and 80, where the bridge begins, are in neither.",
    )


def test_a_range_below_the_logs_start_says_how_much_is_gone() -> None:
    assert "8 offsets are gone from Kafka" in refusal(decided(FACTS, start=2, end=50, cut=True))


def test_a_range_above_the_logs_end_is_refused() -> None:
    assert "offset 101 is above the log's end 100" in refusal(decided(FACTS, end=101, cut=True))


def test_an_open_transaction_ends_the_range_and_is_told() -> None:
    found = decided(replace(FACTS, stable=70), cut=True)

    assert span_of(found) == (10, 70)
    assert "a transaction is open at offset 70" in found.notes[0]


def test_times_are_what_the_brokers_say_they_are() -> None:
    since, until = TimeBound(1000, "a"), TimeBound(2000, "b")

    found = decided(FACTS, start=since, end=until, cut=True, at_times={since: {HERE: 20}, until: {HERE: None}})

    assert span_of(found) == (20, 100)
    assert found.ranges[0].chosen == "from a to b, where the group was made to begin"


def test_a_time_after_all_records_is_an_empty_range() -> None:
    since, until = TimeBound(1000, "a"), TimeBound(2000, "b")

    found = decided(FACTS, start=since, end=until, cut=True, at_times={since: {HERE: None}, until: {HERE: None}})

    assert span_of(found) == (100, 100)


def test_a_committed_offset_that_the_bridge_would_not_read_from_is_fixed_first() -> None:
    facts = replace(FACTS, committed=5, topic_started=True, held="shop.orders/0: it is below the log's start.")

    assert "it is below the log's start" in refusal(decided(facts))


def test_a_cut_is_of_whole_topics() -> None:
    """Where the group has begun on one partition, a bridge reads all others from their beginning."""
    other = replace(FACTS, partition=TopicPartition("shop.orders", 1))

    assert "--cut is for all partitions of a topic" in uncovered([HERE], [FACTS, other])[0]
    assert uncovered([HERE, other.partition], [FACTS, other]) == []
    assert uncovered([HERE], [FACTS, replace(other, committed=3)]) == []


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("17", 17),
        ("earliest", LogBound.EARLIEST),
        ("latest", LogBound.LATEST),
        ("2026-01-31T00:00:00Z", TimeBound(1769817600000, "2026-01-31T00:00:00Z")),
    ],
)
def test_bounds_are_offsets_places_and_times(text: str, bound: Bound) -> None:
    assert parse(text) == bound


@pytest.mark.parametrize("text", ["group", "-1", "2026-01-31", "yesterday", "9" * 30])
def test_anything_else_is_no_bound(text: str) -> None:
    with pytest.raises(ValueError, match=r"must (be|say)"):
        parse(text)
