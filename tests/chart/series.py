"""Series as promtool's tests take them, made of a real page of the bridge: what an idle replica shows for hours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from bridge.counts import RouteTally, SinkStats, SourceCounts, Tally
from bridge.holds import Reason
from bridge.model import TopicPartition
from bridge.ops.group_view import GroupView, TopicView
from bridge.ops.metrics import exposition_format
from bridge.ops.snapshot import (
    KeyView,
    Letters,
    MembershipView,
    OldestOpen,
    PartitionHold,
    PartitionView,
    Rate,
    Snapshot,
    Vitals,
)


def idle() -> Snapshot:
    """A replica with one partition, in which a transaction's end is all that lies beyond the position."""
    return Snapshot(
        at=0.0,
        version="1.2.3",
        group_id="bridge",
        started_at=0.0,
        vitals=Vitals(poll_age=0.1, loop_age=0.1, joined=True, draining=False, stopping=False),
        tally=Tally(),
        requests=SinkStats(),
        consumer=SourceCounts(),
        routes={"order.completed": RouteTally()},
        letters=Letters(open_by_reason={}),
        rate=Rate(limit=10.0, share=10.0, view_age=1.0),
        group=MembershipView(membership_age=1.0, commit_age=0.2),
        key=KeyView(),
        partitions=(PartitionView(TopicPartition("orders", 0), position=99, end=100),),
        retention={"orders": 604_800.0},
    )


def held(reason: Reason, *, seconds: float | None) -> Snapshot:
    """A replica with one partition that is held: 900 records wait in its log, the oldest for so long; None: none do."""
    start = idle()
    held_since = start.at - (seconds or 20_000)
    partition = PartitionView(
        TopicPartition("orders", 0),
        position=100,
        end=100 if seconds is None else 1000,
        oldest=None if seconds is None else OldestOpen(100, since=held_since, timestamp=held_since),
        hold=PartitionHold(reason, held_since, "It was found so."),
    )
    return replace(start, partitions=(partition,))


def unowned() -> Snapshot:
    """An idle replica that sees a partition of the topic which nobody has."""
    view = GroupView(topics=(TopicView("orders", partitions=2, lag=900, unowned=(1,)),), at=0.0)
    return replace(idle(), group_view=view)


def constant(
    snapshot: Snapshot, *, minutes: int, restart_at: int, before: int, **more: str
) -> Iterator[dict[str, str]]:
    """One sample a minute. Counters stand at `before` until the restart, and at the page's numbers from then on."""
    page = exposition_format.Exposition().render(snapshot, exposition_format.TEXT).decode()
    after = minutes - restart_at
    yield _series("up", more, f"1x{minutes}")
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            first, then = sample.value, sample.value
            if sample.name == "process_start_time_seconds":
                first, then = -90_000.0, restart_at * 60.0
            elif family.type == "counter":
                first += before
            yield _series(
                sample.name, sample.labels | more, f"{_number(first)}x{restart_at - 1} {_number(then)}x{after}"
            )


def _number(value: float) -> str:
    if math.isinf(value):
        return "Inf+0" if value > 0 else "-Inf+0"  # a number alone is read as a name by promtool
    return f"{value:+f}".lstrip("+") if value == value else "NaN+0"  # noqa: PLR0124 - NaN is the number unlike itself


def _series(name: str, labels: dict[str, str], values: str) -> dict[str, str]:
    known = {"namespace": "events", "job": "bridge", "instance": "a", **labels}
    listed = ",".join(f'{key}="{value}"' for key, value in known.items())
    return {"series": f"{name}{{{listed}}}", "values": values}
