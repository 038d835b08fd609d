from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.model import FilterReason, LetterReason, TopicPartition
from bridge.ops.snapshot import (
    Buffers,
    Distribution,
    KeyView,
    Letters,
    MappingCounts,
    MembershipView,
    OldestOpen,
    PartitionView,
    Rate,
    Records,
    Requests,
    RouteCounts,
    Snapshot,
    Vitals,
)

NOON = 1_767_355_200.0
"""2026-01-02T12:00:00Z."""


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
    nothing = Distribution((0.1, 1.0), (0, 0, 0), 0.0)
    return Snapshot(
        at=NOON,
        version="1.2.3",
        group_id="userpilot-bridge",
        started_at=NOON - 8_000,
        vitals=Vitals(poll_age=0.1, loop_age=0.2, joined=True, draining=False, stopping=False),
        records=Records(),
        mapped=MappingCounts(),
        requests=Requests(duration=nothing, latency=nothing),
        letters=Letters(),
        buffers=Buffers(),
        rate=Rate(limit=10.0, share=5.0),
        group=MembershipView(),
        key=KeyView(),
    )


@pytest.fixture
def busy(quiet: Snapshot, partition: PartitionView) -> Snapshot:
    """A process in the middle of its work, with something in every part."""
    return replace(
        quiet,
        records=Records(
            consumed=1_000,
            delivered=800,
            filtered={FilterReason.UNMAPPED: 90, FilterReason.TOMBSTONE: 10},
            dead_lettered=5,
            already_done=15,
            released=20,
            in_flight=60,
        ),
        mapped=MappingCounts(
            routes={"order.completed[0]": RouteCounts(790, 3, 5), "account.*": RouteCounts()},
            unmapped_records=90,
            unmapped_types={"page.viewed": 80, "cart.changed": 10},
            values_left_out=7,
        ),
        requests=Requests(
            duration=Distribution((0.1, 1.0), (700, 120, 10), 95.5),
            latency=Distribution((0.1, 1.0), (100, 600, 90), 5_000.0),
            by_status={202: 800, 503: 25, None: 5},
            retries={"server_error": 25, "timeout": 5},
            ambiguous_retries=30,
            in_flight=4,
            connections=8,
        ),
        letters=Letters(by_reason={LetterReason.UNMAPPABLE: 5}, write_failures=1),
        buffers=Buffers(records=56, bytes=56_000, parked=2, paused=True),
        rate=Rate(limit=10.0, share=5.0, view_age=1.5, limited_seconds=12.5, used_last_minute=290),
        group=MembershipView(
            assignments=2,
            revocations=1,
            losses=0,
            forced_drains=1,
            commits=40,
            commit_failures=1,
            commit_age=0.4,
            membership_age=0.9,
            out_of_range=1,
            possibly_lost=120,
        ),
        key=KeyView(reloads=1),
        partitions=(partition,),
        log_write_failures=2,
    )
