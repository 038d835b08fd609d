"""The dead letters: those that were written, and those that are still open."""

from __future__ import annotations

import math

from bridge.model import LetterReason
from bridge.ops.metrics.declare import (
    DashboardRow,
    Metric,
    Over,
    Samples,
    Shown,
    counted,
    counter,
    counters,
    gauge,
    gauges,
)
from bridge.ops.snapshot import Snapshot

OTHER_REASON = "other"
"""Of dead letters that another program wrote."""


def _open_letters(snapshot: Snapshot) -> Samples:
    """Not a number until they are counted: a 0 would look like a settled backlog after every restart."""
    reasons = (*LetterReason, OTHER_REASON)
    counts = snapshot.letters.open_by_reason
    return (((reason,), math.nan if counts is None else counts.get(reason, 0)) for reason in reasons)


def _exact_letters(snapshot: Snapshot) -> Samples:
    counted, least = snapshot.letters.open_by_reason is not None, snapshot.letters.open_at_least
    return (
        ((reason,), float(reason not in least) if counted else math.nan) for reason in (*LetterReason, OTHER_REASON)
    )


def _oldest_letter(snapshot: Snapshot) -> float | None:
    if snapshot.letters.open_by_reason is None:
        return None
    oldest = snapshot.letters.oldest_open
    return 0.0 if oldest is None else max(0.0, snapshot.at - oldest)


METRICS: tuple[Metric, ...] = (
    # --- dead letters ---------------------------------------------------------------------------------------------
    counters(
        "dead_letters_total",
        "dead letters",
        "Dead letters acknowledged by the dead-letter topic, whatever kind of request failed.",
        ("reason",),
        lambda s: counted({k.value: n for k, n in s.tally.letters.items()}, LetterReason),
    ),
    counter(
        "dead_letter_write_failures_total",
        "attempts",
        "Writes to the dead-letter topic that failed and are tried again.",
        lambda s: s.tally.letter_failures,
        shown=Shown(
            DashboardRow.LETTERS,
            "Writes that failed",
            "Writes to the dead-letter topic that failed and are tried again. Reading waits for them.",
            legend="failed",
        ),
    ),
    gauges(
        "open_dead_letters",
        "dead letters",
        "Dead letters in the topic that are neither replayed nor discarded; every replica counts all of them.",
        ("reason",),
        _open_letters,
        Over.MAX,
    ),
    gauges(
        "open_dead_letters_exact",
        "flag",
        "1: track_bridge_open_dead_letters is exact. 0: there are at least as many, more than are counted in memory.",
        ("reason",),
        _exact_letters,
        Over.MIN,
    ),
    gauge(
        "open_dead_letter_oldest_age_seconds",
        "seconds",
        "Age of the oldest open dead letter; 0: there is none.",
        _oldest_letter,
        Over.MAX,
    ),
    gauge(
        "open_dead_letter_oldest_timestamp_seconds",
        "seconds",
        "Unix time at which the oldest open dead letter was written; NaN: there is none, or they are not counted yet.",
        lambda s: s.letters.oldest_open,
        Over.MIN,
    ),
    gauge(
        "dead_letter_topic_retention_seconds",
        "seconds",
        "Age at which Kafka deletes dead letters; +Inf: never for their age; NaN: the brokers do not say"
        " (DESCRIBE_CONFIGS).",
        lambda s: s.letters.retention,
        Over.MIN,
    ),
)
