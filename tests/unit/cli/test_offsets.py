"""`track-bridge offsets`: what a new position passes and repeats, and what it leaves done."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import commands
from bridge.cli.frame import startup
from bridge.cli.offsets import set_, through
from bridge.errors import Misuse
from bridge.fleet.acts.offset_change import (
    LogPlace,
    Moment,
    OffsetChange,
    aim,
    change,
    parse,
)
from bridge.formats import offset_map
from bridge.formats.losses import Lost
from bridge.formats.offset_map import Demand, Head
from bridge.holds import Reason
from bridge.kafka.admin.committed import Committed
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.model import LogRange, TopicPartition
from tests.unit.cli.conftest import CONFIG

PARTITION = TopicPartition("orders", 3)
ID = "AAAAAAAAAAAAAAAAAAAAAQ"


def text(base: int, *runs: int, epoch: int | None = 4, topic_id: str = ID) -> str:
    return offset_map.encode(
        base,
        runs,
        leader_epoch=epoch,
        topic_id=topic_id,
        demand=Demand(0, 0),
        head=Head(),
        max_length=offset_map.BROKER_LIMIT,
    )


def offsets(
    committed: int | None, first: int, end: int, *runs: int, stable: int | None = None, topic_id: str = ID
) -> PartitionOffsets:
    """Committed with a map of ``runs`` that was made for the topic `ID`."""
    found = None if committed is None else Committed(committed, text(committed, *runs), leader_epoch=4)
    return PartitionOffsets(PARTITION, LogRange(first, end), end if stable is None else stable, found, topic_id)


def counts(changed: OffsetChange) -> tuple[int, int, int, int]:
    return changed.offset, changed.passed, changed.gone, changed.repeated


def test_what_retention_took_and_what_is_passed_besides_is_counted_less_what_is_done() -> None:
    before = offsets(100, 500, 900, 10, 20, 380, 50)  # done: 110 to 129 and 510 to 559
    assert before.hold is not None
    assert before.hold.reason is Reason.OUT_OF_RANGE

    assert counts(change(before, 500)) == (500, 380, 380, 0)
    assert counts(change(before, 600)) == (600, 430, 380, 0)


def test_what_is_passed_is_recorded_as_lost_under_the_offset_that_a_running_bridge_finds_it_by() -> None:
    before = offsets(100, 500, 900, 10, 20, 380, 50)

    assert change(before, 500).lost == Lost(PARTITION, ID, 100, 500, "offset_set")
    assert before.hold is not None
    assert before.hold.lost == Lost(PARTITION, ID, 100, 500, "out_of_range")
    assert change(offsets(100, 0, 900), 100).lost is None
    assert change(offsets(100, 0, 900), 40).lost is None


def test_a_position_amid_what_is_done_is_the_first_offset_after_it_that_is_open() -> None:
    before = offsets(104, 0, 900, 1, 5, 3, 10)  # 104 open, 105 to 109 done, 113 to 122 done

    changed = change(before, 105)

    assert counts(changed) == (110, 1, 0, 0)
    kept = offset_map.decode(changed.text)
    assert kept is not None
    assert kept.done == (range(113, 123),)
    assert offset_map.trusted(kept, offset=110, leader_epoch=None, topic_id=ID) is kept


def test_setting_it_back_sends_everything_from_there_again() -> None:
    changed = change(offsets(104, 50, 900, 1, 5), 60)

    assert counts(changed) == (60, 0, 0, 44 + 5)
    assert changed.text == ""


def test_of_a_position_in_another_log_nothing_counts_as_done() -> None:
    above = offsets(5000, 0, 300, 1, 5)
    earlier = offsets(200, 10, 300, 1, 5, topic_id="AAAAAAAAAAAAAAAAAAAAAg")
    none = offsets(None, 10, 300)

    assert counts(change(above, 300)) == (300, 300, 0, 0)
    assert counts(change(earlier, 300)) == (300, 290, 0, 0)
    assert counts(change(none, 10)) == (10, 0, 0, 0)
    assert counts(change(none, 300)) == (300, 290, 0, 0)


def test_a_position_of_an_earlier_topic_is_written_anew_even_at_the_same_offset() -> None:
    earlier = offsets(200, 10, 300, 1, 5, topic_id="AAAAAAAAAAAAAAAAAAAAAg")
    changed = change(earlier, 200)

    assert not changed.changes_nothing
    after = PartitionOffsets(PARTITION, earlier.log, 300, Committed(200, changed.text), earlier.topic_id)
    assert after.hold is None
    assert change(after, 200).changes_nothing


def test_a_map_that_somebody_left_beside_another_offset_is_not_believed() -> None:
    before = PartitionOffsets(PARTITION, LogRange(0, 300), 300, Committed(120, text(100, 1, 50), leader_epoch=4), ID)

    assert before.done == ()
    assert before.lag == 180


def test_the_lag_counts_what_can_be_read_and_is_not_done() -> None:
    assert offsets(100, 0, 900, 10, 20, stable=200).lag == 80
    assert offsets(100, 150, 900, 60, 20, stable=200).lag == 30
    assert offsets(None, 10, 300).lag == 290


@given(st.data())
def test_nothing_open_below_the_new_position_goes_uncounted_and_nothing_done_above_it_is_forgotten(
    data: st.DataObject,
) -> None:
    runs = data.draw(st.lists(st.integers(1, 6), max_size=8).filter(lambda found: len(found) % 2 == 0))
    committed, first = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 40))
    end = max(first, committed + sum(runs)) + 5
    before = offsets(committed, first, end, *runs)
    done = {offset for each in before.done for offset in each}
    target = data.draw(st.integers(first, end))

    changed = change(before, target)

    passed = [offset for offset in range(committed, target) if offset not in done]
    assert changed.passed == len(passed)
    assert changed.gone == len([offset for offset in passed if offset < first])
    kept = offset_map.decode(changed.text)
    still = {offset for each in (() if kept is None else kept.done) for offset in each}
    if target >= committed:
        assert still == {offset for offset in done if offset >= changed.offset}
        assert set(range(target, changed.offset)) <= done
    else:
        assert still == set()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("17", 17),
        ("earliest", LogPlace.EARLIEST),
        ("latest", LogPlace.LATEST),
        ("end", LogPlace.END),
        ("2026-01-31T00:00:00Z", Moment(1769817600000)),
    ],
)
def test_a_place_is_an_offset_a_word_or_a_time(given: str, meant: object) -> None:
    assert parse(given) == meant


@pytest.mark.parametrize(
    "given", ["", "-1", "\u0661", "newest", "2026-01-31T00:00:00", "2026-13-01T00:00:00Z", "9" * 40]
)
def test_what_is_none_of_these_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse(given)


def test_each_place_is_an_offset_of_the_log() -> None:
    before = [offsets(20, 10, 300, stable=250)]

    def at(target: LogPlace | Moment | int, found: int | None = None) -> int:
        return aim(before, target, {PARTITION: found})[PARTITION]

    now = Moment(round(time.time() * 1000))
    assert (at(LogPlace.EARLIEST), at(LogPlace.LATEST), at(LogPlace.END), at(42)) == (10, 250, 300, 42)
    assert (at(now, 77), at(now)) == (77, 250)


def test_an_offset_that_would_be_held_again_is_refused_with_the_logs_bounds() -> None:
    with pytest.raises(ValueError, match="orders/3 has 10 to 300"):
        aim([offsets(20, 10, 300)], 301, {})


def test_where_no_running_bridge_can_be_asked_the_way_that_is_left_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_invocation", commands.Invocation())  # Loading a configuration changes it.
    path = tmp_path / "bridge.yaml"
    path.write_text(CONFIG + "observability:\n  control_socket: off\n")
    with pytest.raises(Misuse) as refused:
        through.TheOneHere(startup.load(path)).refuse(
            [change(offsets(100, 50, 900), 200)], "Members. Stop every replica."
        )
    assert str(refused.value).startswith("Members. Stop every replica. Or hold the topic and run this beside")
    assert "observability.control_socket is off" in str(refused.value)


@pytest.mark.parametrize(
    ("where", "released"),
    [("orders", "track-bridge release orders"), ("orders/3", "track-bridge release orders --partition 3")],
)
def test_only_what_was_set_is_advised_to_be_released(where: str, released: str) -> None:
    assert set_._release([change(offsets(100, 50, 900), 200)], where) == released
