"""What lies ahead, in words: when nothing waits any more, and what is deleted before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bridge.ops.status.concerns import LOSS_AHEAD
from bridge.ops.status.forecast import CAUGHT_UP
from bridge.ops.status.status_text.layout import Item, Text, Tone
from bridge.ops.status.status_text.times import Times, moment
from bridge.text.amounts import plural, thousands

_SHOWN: Final = 5
"""Partitions that are told one by one, those that lose records first."""
_NO_END: Final = {
    "growing": "grows: never empty at this pace",
    "still": "does not move: never empty at this pace",
    "shrinking": "shrinks, but is not empty within 30 days at this pace",
    "budget": "shrinks, but is not empty within 30 days by the rate budget",
    "unknown": "its pace is not known yet",
}


def forecast(document: Mapping[str, Any], times: Times) -> list[Item]:
    """Only where more waits than is on its way."""
    whole = document.get("forecast")  # an earlier version has none
    if whole is None or _is_done_at_once(whole, times):
        return []
    out: list[Item] = [Text(f"in all: {said(whole, times)}", tone=_tone(whole, times))]
    partitions = [each for each in document["partitions"] if not _is_done_at_once(each["forecast"], times)]
    if len(document["partitions"]) == 1:
        return out
    return [*out, *_of_partitions(sorted(partitions, key=_first_loss_first), times)]


def said(found: Mapping[str, Any], times: Times) -> str:
    """``90,000 records, empty about 14:10 (in 10 min 0 s), 15,000 done and 6,000 new a minute``; and what is lost."""
    records = "an unknown number of records" if found["records"] is None else plural(found["records"], "record")
    parts = [records, _end(found, times), *_rates(found)]
    loss = found["loses_from"]
    if loss is not None:
        since = "now" if moment(loss) - times.now < 1.0 else f"{times.at(loss)} ({times.ahead(loss)})"
        parts.append(f"deleted unsent from {since} on at this rate")
    return ", ".join(parts)


def _end(found: Mapping[str, Any], times: Times) -> str:
    at = found["empty_at"]
    if at is None:
        return _NO_END[found["pace"]]
    by = " by the rate budget" if found["pace"] == "budget" else ""
    return f"empty about {times.about(at)} ({times.ahead(at)}){by}"


def _rates(found: Mapping[str, Any]) -> Iterator[str]:
    done, arriving = found["done_per_minute"], found["arriving_per_minute"]
    if done is not None and arriving is not None:
        yield f"{thousands(float(done))} done and {thousands(float(arriving))} new a minute"


def _of_partitions(partitions: Sequence[Mapping[str, Any]], times: Times) -> Iterator[Item]:
    for each in partitions[:_SHOWN]:
        found = each["forecast"]
        yield Text(f"{each['topic']}/{each['partition']}: {said(found, times)}", tone=_tone(found, times))
    if len(partitions) > _SHOWN:
        yield Text(f"and {plural(len(partitions) - _SHOWN, 'partition')} more")


def _is_done_at_once(found: Mapping[str, Any], times: Times) -> bool:
    end = found["empty_at"]
    is_at_once = end is not None and moment(end) - times.now <= CAUGHT_UP
    return found["loses_from"] is None and (is_at_once or not found["records"])


def _first_loss_first(partition: Mapping[str, Any]) -> tuple[float, float]:
    found = partition["forecast"]
    ends = [float("inf") if found[key] is None else moment(found[key]) for key in ("loses_from", "empty_at")]
    return ends[0], -ends[1]


def _tone(found: Mapping[str, Any], times: Times) -> Tone:
    if found["loses_from"] is None:
        return Tone.PLAIN
    return Tone.NEEDS_SOMEONE if moment(found["loses_from"]) - times.now <= LOSS_AHEAD else Tone.WAITS
