"""The letters of a replay: each is in one place, whatever becomes of its partition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.formats.letters import LetterPlace, parse
from bridge.reprocess.reading.ledger import UNTOUCHED
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay.letters import LetterInFlight, LetterQueue
from tests.support.reprocess.letters import letter


def entry(partition: int, offset: int) -> LetterEntry:
    found = parse(letter(offset, partition=partition).record(offset))
    return LetterEntry(found._replace(place=LetterPlace(partition, offset)), UNTOUCHED)


def sent(queue: LetterQueue) -> LetterInFlight | None:
    following = queue.next()
    return None if following is None else queue.send(*following)


def places(queue: LetterQueue) -> list[str]:
    """All that may be sent now, in order."""
    found = []
    while (each := sent(queue)) is not None:
        found.append(str(each.entry.letter.place))
    return found


def test_only_letters_of_claimed_partitions_are_sent_in_the_order_of_the_plan() -> None:
    queue = LetterQueue([entry(0, 1), entry(2, 2), entry(1, 3), entry(0, 4), entry(1, 5)])
    assert places(queue) == []
    queue.claim(1)
    queue.claim(0)
    assert places(queue) == ["0:1", "1:3", "0:4", "1:5"]


def test_a_paused_partition_is_passed_over_and_goes_on_where_it_was() -> None:
    queue = LetterQueue([entry(0, 1), entry(1, 2), entry(0, 3)])
    queue.claim(0)
    queue.claim(1)
    queue.pause(0)
    assert places(queue) == ["1:2"]
    assert not queue.is_idle
    queue.resume(0)
    assert places(queue) == ["0:1", "0:3"]


def test_what_was_in_flight_when_its_partition_was_given_up_is_sent_again_in_its_old_order() -> None:
    queue = LetterQueue([entry(0, 1), entry(0, 2), entry(0, 3)])
    queue.claim(0)
    first, second = sent(queue), sent(queue)
    assert first is not None
    assert second is not None
    assert queue.take_through(first)
    queue.give_up([0])
    assert queue.sent(second.number) is second, "its last answer may still come"
    assert not queue.take_through(second), "it is counted when it comes up again"
    queue.claim(0)
    assert places(queue) == ["0:2", "0:3"]


def test_a_letter_is_through_once_and_not_before_everything_about_it_is_written_down() -> None:
    queue = LetterQueue([entry(0, 1)])
    queue.claim(0)
    only = sent(queue)
    assert only is not None
    only.recording = 1
    assert not queue.take_through(only)
    only.recording = 0
    assert queue.take_through(only)
    assert not queue.take_through(only)
    assert queue.is_idle


STEP = st.sampled_from(["claim", "release", "give_up", "pause", "resume", "send", "through"])
STEPS = st.lists(st.tuples(STEP, st.integers(0, 2)))


@given(STEPS)
def test_no_letter_is_lost_or_sent_twice_at_once_whatever_happens_to_partitions(steps: list[tuple[str, int]]) -> None:
    entries = [entry(number % 3, number) for number in range(9)]
    queue, through = LetterQueue(entries), []
    in_flight: dict[str, LetterInFlight] = {}
    for step, partition in steps:
        if step == "send":
            each = sent(queue)
            if each is not None:
                assert str(each.entry.letter.place) not in in_flight
                in_flight[str(each.entry.letter.place)] = each
        elif step == "through":
            for place in list(in_flight)[:1]:
                assert queue.take_through(in_flight.pop(place))
                through.append(place)
        elif step == "give_up":
            queue.give_up([partition])
            in_flight = {p: each for p, each in in_flight.items() if each.entry.letter.place.partition != partition}
        elif step == "release":
            queue.release([partition])
        else:
            getattr(queue, step)(partition)
    for each in in_flight.values():
        assert queue.take_through(each)
    for partition in range(3):
        queue.give_up([partition])
        queue.claim(partition)
    assert sorted([*through, *in_flight, *places(queue)]) == sorted(str(each.letter.place) for each in entries)
