"""When a done offset is committed: the one place that divides `kafka.commit_interval`, which is how long it may take.

    done ── a quarter ──▶ offered ── a poll ──▶ the client has it ── a half ──▶ committed

What completes within that time is what a crash repeats. A quarter on the event loop, from the first record or answer
on, gathers what completes together: to write down the offset map for each record would cost more than the record. Where
nothing arrives and nothing is open, only the service's regular tick looks. The poll thread looks once in the time of a
poll (`poll_loop.POLL`, a quarter of the default); less often only where all was done for a second. The client's own
commits get the half, because each is a request.
"""

from __future__ import annotations


def offer_after(commit_interval: float) -> float:
    """Seconds on the event loop, from the first thing that is done until all that is done is offered."""
    return commit_interval / 4


def commit_every(commit_interval: float) -> float:
    """Seconds between two commits: the client's periodic ones of new offsets, and ours of new offset maps."""
    return commit_interval / 2
