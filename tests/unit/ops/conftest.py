from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bridge.counts import DURATION_BOUNDS, LATENCY_BOUNDS, RouteTally, SinkStats, SourceCounts, Tally
from bridge.model import Filtered, FilterReason, LetterReason, TopicPartition
from bridge.ops.snapshot import (
    KeyView,
    Letters,
    MembershipView,
    OldestOpen,
    PartitionView,
    Rate,
    Snapshot,
    Vitals,
)

NOON = 1_767_355_200.0
"""2026-01-02T12:00:00Z."""


def distributed(bounds: Sequence[float], counts: Mapping[float, int], above: int) -> list[int]:
    return [*(counts.get(bound, 0) for bound in bounds), above]


@pytest.fixture
def vitals() -> Vitals:
    return Vitals(poll_age=0.1, loop_age=0.2, joined=True, draining=False, stopping=False)


@pytest.fixture
def partition() -> PartitionView:
    """One that has records waiting and is not held by anything of its own."""
    return PartitionView(
        TopicPartition("shop.orders", 3),
        position=100,
        end=160,
        open_records=40,
        in_flight=4,
        oldest=OldestOpen(100, since=NOON - 60, timestamp=NOON - 90, attempts=1),
    )


@pytest.fixture
def quiet() -> Snapshot:
    """A process that has just started: nothing counted, nothing assigned."""
    return Snapshot(
        at=NOON,
        version="1.2.3",
        group_id="userpilot-bridge",
        started_at=NOON - 8_000,
        vitals=Vitals(poll_age=0.1, loop_age=0.2, joined=True, draining=False, stopping=False),
        tally=Tally(),
        requests=SinkStats(),
        consumer=SourceCounts(),
        letters=Letters(),
        rate=Rate(limit=10.0, share=5.0),
        group=MembershipView(),
        key=KeyView(),
    )


@pytest.fixture
def busy(quiet: Snapshot, partition: PartitionView) -> Snapshot:
    """A process in the middle of its work, with something in every part."""
    return replace(
        quiet,
        tally=Tally(
            consumed=1_000,
            delivered=800,
            filtered=100,
            filtered_records={
                Filtered(FilterReason.UNMAPPED, None, "page.viewed"): 80,
                Filtered(FilterReason.UNMAPPED, None, "cart.changed"): 10,
                Filtered(FilterReason.TOMBSTONE): 10,
            },
            dead_lettered=5,
            already_done=15,
            released=20,
            buffered=60,
            buffered_bytes=56_000,
            left_out=7,
            letters=Counter({LetterReason.UNMAPPABLE: 5}),
            letter_failures=1,
            retries=Counter({"server_error": 25, "timeout": 5}),
            ambiguous=30,
            latency=distributed(LATENCY_BOUNDS, {0.1: 100, 1.0: 600}, above=90),
            latency_sum=5_000.0,
        ),
        requests=SinkStats(
            by_status={202: 800, 503: 25},
            by_failure={"timeout": 5},
            duration_buckets=distributed(DURATION_BOUNDS, {0.1: 700, 1.0: 120}, above=10),
            duration_sum=95.5,
            connections=8,
        ),
        consumer=SourceCounts(
            assignments=2,
            revocations=1,
            forced_drains=1,
            commits=40,
            commit_errors=Counter({"refused": 1}),
            possibly_lost=120,
        ),
        routes={"order.completed[0]": RouteTally(790, 3, 5), "account.*": RouteTally()},
        in_flight_requests=4,
        parked=2,
        paused=True,
        rate=Rate(limit=10.0, share=5.0, view_age=1.5, limited_seconds=12.5, used_last_minute=290),
        group=MembershipView(commit_age=0.4, membership_age=0.9, out_of_range=1),
        key=KeyView(reloads=1),
        partitions=(partition,),
        log_write_failures=2,
    )
