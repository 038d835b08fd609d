"""How many requests a minute the sampled records mean, and of how many users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.proposal.choices import SampledTraffic
from bridge.text.amounts import plural, span, thousands

BUDGET: Final = 600
"""Requests a minute of an API token."""


def traffic_of(requests: Sequence[tuple[str, int, float | None, str]]) -> SampledTraffic:
    """Each request with its topic, partition, moment (Unix seconds) and user.

    The newest records of each partition span a time of their own: what they mean a minute is added up.
    """
    moments: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for topic, partition, moment, _ in requests:
        if moment is not None:
            moments[topic, partition].append(moment)
    spans = {place: max(found) - min(found) for place, found in moments.items() if len(found) > 1}
    longest = max(spans.values(), default=0.0)
    users = len({user for *_, user in requests})
    if longest < 1:
        return SampledTraffic(len(requests), users, None)
    rates = [60 * (len(moments[place]) - 1) / max(length, 1.0) for place, length in spans.items()]
    return SampledTraffic(len(requests), users, sum(sorted(rates)), longest)


def sentences(traffic: SampledTraffic) -> list[str]:
    """What that is against the budget."""
    head = f"{plural(traffic.requests, 'request')} of {plural(traffic.users, 'user')} in the samples"
    if traffic.per_minute is None:
        return [f"{head}; nothing says in which time, so how many a minute is not known."]
    rate = traffic.per_minute
    shown = "less than 1" if rate < 1 else f"about {thousands(round(rate))}"
    lines = [f"{head}, within {span(traffic.seconds)}: {shown} a minute. The budget is {BUDGET} a minute."]
    if rate > BUDGET:
        lines.append(
            f"That is {rate / BUDGET:.1f} times the budget: the bridge would fall behind. Drop types, narrow routes "
            "with `when`, or send those of some users with `sample: 10%`."
        )
    return lines


def moments_of(stored: Mapping[int, float], occurred: Mapping[int, float]) -> Mapping[int, float]:
    """Kafka's own timestamps tell the pace; where they are not known, the times in the records."""
    return stored or occurred
