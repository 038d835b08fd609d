"""Where the group stands on a topic, and what waits behind that."""

import pytest

from bridge.cli.checks.findings import Level
from bridge.cli.checks.offsets import WORTH_A_WORD, OpenTransaction, TopicOffsets, TopicOutcome, judge
from bridge.config.keys.scalars import StartAge, StartFrom, StartPoint
from bridge.exits import ExitCode
from bridge.kafka.consumer.end_offsets import HANGING_AFTER
from bridge.model import LogRange, TopicPartition

A, B = TopicPartition("t", 0), TopicPartition("t", 1)
LOGS = {A: LogRange(100, 200), B: LogRange(0, 50)}


def _standing(
    positions: dict[TopicPartition, int | None], start_from: StartFrom = StartPoint.ERROR, **at: int
) -> TopicOutcome:
    times = {A: at["a"], B: at["b"]} if at else {}
    return judge("t", TopicOffsets(LOGS, positions, times), start_from)


def _levels(found: TopicOutcome) -> list[Level]:
    return [finding.level for finding in found.findings]


def test_the_backlog_is_what_lies_between_position_and_end() -> None:
    found = _standing({A: 150, B: 50})
    assert (found.backlog, _levels(found)) == (50, [Level.OK])


def test_a_partition_without_a_position_beside_others_is_read_from_its_beginning() -> None:
    found = _standing({A: 200, B: None})
    assert found.backlog == 50
    assert "committed offsets on 1 of 2 partitions; the others are read from their beginning" in found.findings[0].what


def test_a_topic_without_any_position_and_start_from_error_is_a_problem_with_the_choices() -> None:
    found = _standing({A: None, B: None})
    assert (found.backlog, _levels(found)) == (None, [Level.PROBLEM])
    assert "150 records" in found.findings[0].what
    assert "set kafka.start_from to earliest" in found.findings[0].to_do


@pytest.mark.parametrize(("start_from", "backlog"), [(StartPoint.EARLIEST, 150), (StartPoint.LATEST, 0)])
def test_a_named_start_decides(start_from: StartFrom, backlog: int) -> None:
    found = _standing({A: None, B: None}, start_from)
    assert (found.backlog, _levels(found)) == (backlog, [Level.OK])


def test_an_age_counts_from_the_first_record_at_that_time() -> None:
    assert _standing({A: None, B: None}, StartAge(3600.0), a=190, b=45).backlog == 15


def test_a_position_below_the_log_is_a_possible_loss_with_its_bound() -> None:
    found = _standing({A: 40, B: 50})
    assert _levels(found) == [Level.OK, Level.PROBLEM]
    assert "up to 60 records were deleted before they were read" in found.findings[1].what
    assert "--topic t:0" in found.findings[1].to_do
    assert found.backlog == 100


def test_a_position_beyond_the_end_is_a_problem() -> None:
    found = _standing({A: 150, B: 51})
    assert "beyond the log's end 50" in found.findings[1].what


def test_a_position_at_the_very_end_is_none() -> None:
    assert _levels(_standing({A: 200, B: 50})) == [Level.OK]


def test_where_the_brokers_did_not_answer_nothing_is_claimed() -> None:
    found = _standing({})
    assert (found.backlog, _levels(found)) == (None, [Level.NOTE])


def _with_transaction(age: float | None) -> TopicOutcome:
    facts = TopicOffsets(LOGS, {A: 150, B: 50}, {}, {A: OpenTransaction(160, age)})
    return judge("t", facts, StartPoint.ERROR)


def test_what_an_open_transaction_withholds_is_no_backlog() -> None:
    assert _with_transaction(1.0).backlog == 10


@pytest.mark.parametrize(
    ("age", "levels"),
    [
        (1.0, [Level.OK]),
        (WORTH_A_WORD, [Level.OK, Level.NOTE]),
        (HANGING_AFTER, [Level.OK, Level.PROBLEM]),
        (None, [Level.OK, Level.PROBLEM]),
    ],
)
def test_a_transaction_is_named_the_longer_it_is_open(age: float | None, levels: list[Level]) -> None:
    assert _levels(_with_transaction(age)) == levels


def test_a_transaction_that_hangs_is_named_with_its_offset_its_age_and_what_to_do() -> None:
    finding = _with_transaction(7200.0).findings[1]
    assert finding.what == (
        "t/0: a producer's transaction is open at the last stable offset 160 for 2 h 0 min: none of the 40 records "
        "from there on can be read before it ends."
    )
    assert "kafka-transactions" in finding.to_do
    assert finding.code is ExitCode.FINDINGS
