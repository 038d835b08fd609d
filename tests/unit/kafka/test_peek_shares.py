"""Which offsets are read when only some of the records are wanted."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka.admin.sampler import End, shares
from bridge.model import LogRange, TopicPartition

LOGS = st.dictionaries(
    st.builds(TopicPartition, st.just("t"), st.integers(0, 20)),
    st.builds(lambda first, length: LogRange(first, first + length), st.integers(0, 10**6), st.integers(0, 300)),
    max_size=8,
)


def test_the_newest_are_taken_from_the_ends_of_all_partitions_alike() -> None:
    logs = {TopicPartition("t", n): LogRange(0, 100) for n in range(4)}
    assert set(shares(logs, 20, End.NEWEST).values()) == {range(95, 100)}
    assert set(shares(logs, 20, End.OLDEST).values()) == {range(5)}


def test_what_a_short_partition_lacks_the_others_give() -> None:
    logs = {TopicPartition("t", 0): LogRange(0, 2), TopicPartition("t", 1): LogRange(10, 100)}
    assert shares(logs, 20, End.OLDEST) == {TopicPartition("t", 0): range(2), TopicPartition("t", 1): range(10, 28)}


@given(LOGS, st.integers(1, 500), st.sampled_from(End))
def test_never_more_than_wanted_never_outside_the_log_and_never_less_than_there_is(
    logs: dict[TopicPartition, LogRange], limit: int, end: End
) -> None:
    taken = shares(logs, limit, end)
    for partition, offsets in taken.items():
        assert logs[partition].first <= offsets.start < offsets.stop <= logs[partition].end
    available = sum(log.end - log.first for log in logs.values())
    assert sum(map(len, taken.values())) == min(limit, available)
