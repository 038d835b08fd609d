"""The count of open letters: exact or a least, in memory that no history makes larger."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats.letters import LetterPlace, parse
from bridge.formats.resolutions import Attempted, Author, Ended, Ending, ResolutionKind, encode, key_of
from bridge.kafka.letters.letter_log import Extent
from bridge.model import LetterReason, LogRange, Record, TopicPartition
from bridge.reprocess.reading import open_letters
from bridge.reprocess.reading.fingerprints import NO_TIME, Filter, FingerprintTable, Kept, fingerprint
from bridge.reprocess.reading.open_letters import MOST, OpenLetters
from tests.support.reprocess.letters import GROUP, letter

BY = Author("c", "u", "h")
REASONS = (LetterReason.REJECTED, LetterReason.UNDECODABLE, LetterReason.UNAUTHORIZED)
PARTITIONS = 3


def letter_record(event: int, offset: int, reason: LetterReason, group: str = GROUP) -> Record:
    written = letter(event, partition=event % PARTITIONS, reason=reason, group=group)
    return written.record(offset)


def ending(of: Record, topic_id: str = "") -> Record:
    found = parse(of)
    key, value = encode(Ended(Ending.REPLAYED, 1.5, BY), found, topic_id)
    return Record("letters.resolutions", of.partition, 0, None, key, value, ())


class Topics:
    """Both topics, in memory, read in small batches."""

    def __init__(self) -> None:
        self.records: dict[TopicPartition, list[Record]] = {}
        for name in ("letters", "letters.resolutions"):
            self.records |= {TopicPartition(name, number): [] for number in range(PARTITIONS)}
        self.reads: Counter[str] = Counter()

    def write(self, topic: str, record: Record) -> Record:
        log = self.records[TopicPartition(topic, record.partition)]
        log.append(record._replace(topic=topic, offset=len(log)))
        return log[-1]

    def extent(self) -> Extent:
        ranges = {partition: LogRange(0, len(log)) for partition, log in self.records.items()}
        return Extent(
            "letters",
            "",
            {p: log for p, log in ranges.items() if p.topic == "letters"},
            {p: log for p, log in ranges.items() if p.topic != "letters"},
            has_resolutions=True,
        )

    def read(self, wanted: Mapping[TopicPartition, range]) -> Generator[list[Record]]:
        waiting = {p: list(self.records[p][offsets.start : offsets.stop]) for p, offsets in wanted.items()}
        while any(waiting.values()):
            batch = [record for log in waiting.values() for record in log[:2]]
            waiting = {p: log[2:] for p, log in waiting.items()}
            self.reads.update(record.topic for record in batch)
            yield batch


HISTORIES = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(REASONS), st.sampled_from(["letter", "letter", "end", "attempt"])),
    max_size=40,
)


@given(HISTORIES, st.integers(1, 15), st.integers(0, 40))
def test_a_count_is_exact_or_says_that_there_may_be_more(
    history: list[tuple[int, LetterReason, str]], most: int, cut: int
) -> None:
    """Of every history: counted whole at some moment, then by what is new; with room for few letters or for all."""
    topics = Topics()
    reason_of: dict[int, LetterReason] = {}
    lettered: dict[int, Record] = {}
    ended: set[int] = set()
    counted = OpenLetters(GROUP, "", most=most, fewest=1)
    seen: Extent | None = None
    for number, (event, reason, what) in enumerate([*history, (0, REASONS[0], "look")]):
        if number == cut or what == "look":
            now = topics.extent()
            if seen is None:
                open_letters.take_all(topics.read, now, counted)
            else:
                news = [_news(seen.letters, now.letters), _news(seen.resolutions, now.resolutions)]
                open_letters.take_news(topics.read, news[0], news[1], counted)
            seen = now
        if what == "letter":
            same = reason_of.setdefault(event, reason)  # a letter that is written twice says the same
            for _ in range(1 + (number % 3 == 0)):
                lettered.setdefault(event, topics.write("letters", letter_record(event, 0, same)))
        elif what == "end" and event in lettered:
            topics.write("letters.resolutions", ending(lettered[event]))
            ended.add(event)
        elif what == "attempt" and event in lettered:
            key, value = encode(Attempted(1, (), 1.5, BY), parse(lettered[event]), "")
            topics.write("letters.resolutions", Record("", event % PARTITIONS, 0, None, key, value, ()))
    truth = Counter(reason_of[event] for event in lettered if event not in ended)
    found = counted.backlog()
    for reason in REASONS:
        count = found.by_reason.get(reason, 0)
        assert count <= truth[reason]
        assert count == truth[reason] or reason in found.at_least
    if len(lettered) < most:
        assert sum(found.by_reason.values()) == truth.total() or counted.wants_recount
    assert sum(found.by_reason.values()) <= most + len(REASONS) + 2 * PARTITIONS


def _news(
    before: Mapping[TopicPartition, LogRange], now: Mapping[TopicPartition, LogRange]
) -> dict[TopicPartition, range]:
    return {partition: range(before[partition].end, log.end) for partition, log in now.items()}


def test_what_is_settled_makes_room_however_long_the_history() -> None:
    """Five times as many letters as there is room for, nearly all of them settled: the count is exact."""
    topics = Topics()
    for event in range(500):
        written = topics.write("letters", letter_record(event, 0, LetterReason.REJECTED))
        if event % 50:
            topics.write("letters.resolutions", ending(written))
    counted = OpenLetters(GROUP, "", most=100, fewest=1)
    open_letters.take_all(topics.read, topics.extent(), counted)
    assert counted.backlog().by_reason == {"rejected": 10}
    assert counted.backlog().at_least == frozenset()
    assert topics.reads["letters"] == 500, "no letter is read twice"


def test_a_new_reason_shows_although_an_old_one_has_taken_all_the_room() -> None:
    counted = OpenLetters(GROUP, "", most=20, fewest=5)
    counted.letters(letter_record(event, event, LetterReason.REJECTED) for event in range(100))
    counted.letters(letter_record(event, event, LetterReason.UNAUTHORIZED) for event in range(100, 200))
    found = counted.backlog()
    assert found.by_reason == {"rejected": 20, "unauthorized": 5}
    assert found.at_least == {"rejected", "unauthorized"}


def test_a_letter_of_an_event_that_was_settled_before_is_not_counted_and_leaves_a_doubt() -> None:
    counted = OpenLetters(GROUP, "")
    written = letter_record(1, 0, LetterReason.REJECTED)
    counted.letters([written])
    counted.settled([ending(written)])
    counted.letters([written._replace(offset=1)])
    assert counted.backlog().by_reason == {}
    assert counted.backlog().at_least == {"rejected"}
    assert counted.wants_recount


def test_letters_of_other_groups_topics_and_bytes_settle_nothing_and_are_not_counted() -> None:
    counted = OpenLetters(GROUP, "now")
    ours = letter_record(1, 0, LetterReason.REJECTED)
    counted.letters([ours, letter_record(2, 1, LetterReason.REJECTED, group="other")])
    counted.settled([ending(ours, topic_id="before")])
    counted.settled([ending(ours._replace(value=b"{}"))])
    counted.settled([ending(ours)._replace(key=key_of(ResolutionKind.ATTEMPT, parse(ours)))])
    assert counted.backlog().by_reason == {"rejected": 1}
    counted.settled([ending(ours, topic_id="now")])
    assert counted.backlog().by_reason == {}


def test_what_retention_removes_is_forgotten_and_the_oldest_is_the_oldest_of_the_rest() -> None:
    counted = OpenLetters(GROUP, "")
    records = [letter_record(3 * number, number, LetterReason.REJECTED) for number in range(10)]
    counted.letters(records)
    assert counted.backlog().oldest_ms == records[0].timestamp_ms
    counted.retained({TopicPartition("letters", 0): LogRange(4, 10)})
    found = counted.backlog()
    assert found.by_reason == {"rejected": 6}
    assert found.oldest_ms == records[4].timestamp_ms


NAMES = st.integers(1, 40).map(lambda number: number * 2**57 + number % 7 + 1)


@given(st.lists(st.tuples(st.booleans(), NAMES, st.integers(0, 2**40 - 1)), max_size=80))
def test_the_table_is_a_dictionary_of_fingerprints(steps: list[tuple[bool, int, int]]) -> None:
    """Names that meet in the same slots on purpose."""
    table, model = FingerprintTable(), dict[int, Kept]()
    for adds, name, offset in steps:
        kept = Kept(LetterPlace(offset % 2**20, offset), offset % 16, offset)
        if adds:
            assert table.add(name, kept) is (name not in model)
            model.setdefault(name, kept)
        else:
            assert table.remove(name) == model.pop(name, None)
        assert len(table) == len(model)
        assert all((each in table) == (each in model) for each in {name for _, name, _ in steps})
    assert table.oldest() == min((kept.time for kept in model.values()), default=None)
    half = {kept.place.partition: kept.place.offset + 1 for kept in list(model.values())[::2]}
    assert set(table.below(half)) == {
        name for name, kept in model.items() if kept.place.offset < half.get(kept.place.partition, 0)
    }
    assert sum(map(len, table.offsets().values())) == len(model)


def test_the_table_grows_and_keeps_all() -> None:
    table = FingerprintTable()
    names = [fingerprint(number) for number in range(5000)]
    for number, name in enumerate(names):
        table.add(name, Kept(LetterPlace(1, number), 3, NO_TIME))
    assert all(table.remove(name) == Kept(LetterPlace(1, number), 3, NO_TIME) for number, name in enumerate(names))
    assert len(table) == 0


def test_the_filter_misses_nothing_and_takes_few_for_what_they_are_not() -> None:
    found = Filter()
    names = [fingerprint("in", number) for number in range(20_000)]
    for name in names:
        found.add(name)
    assert all(name in found for name in names)
    assert sum(fingerprint("out", number) in found for number in range(20_000)) < 20


@pytest.mark.slow
def test_half_a_million_open_dead_letters_take_no_more_memory_than_the_bound() -> None:
    """Through the real code, parsed, named and counted, in a process of its own; they used to take 800 bytes each."""
    ran = subprocess.run([sys.executable, "-c", MANY], cwd=ROOT, check=True, capture_output=True, text=True)
    grown, unauthorized, rejected, least = ran.stdout.split()
    assert (int(unauthorized), int(rejected), least) == (MOST, 1, "unauthorized")
    assert int(grown) < 32 * 1024, f"{grown} KiB"


ROOT = Path(__file__).parents[3]
MANY = """
import resource
from bridge.formats.letter_headers import OWN
from bridge.model import LetterReason
from bridge.reprocess.reading.open_letters import OpenLetters
from tests.support.reprocess.letters import letter

def taken():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

place = OWN + "origin-offset"
template = letter(0, reason=LetterReason.UNAUTHORIZED).record(0)
others = [header for header in template.headers if header[0] != place]

def history():
    for number in range(500_000):
        yield template._replace(offset=number, headers=[*others, (place, str(number).encode())])

counted = OpenLetters("bridge", "")
before = taken()
counted.letters(history())
counted.letters([letter(1).record(500_000)])
found = counted.backlog()
print(taken() - before, *found.by_reason.values(), *found.at_least)
"""
