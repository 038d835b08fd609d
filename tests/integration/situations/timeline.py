"""Series as promtool takes them, made of real pages of metrics: an hour as before, hours of the situation, hours after.

A test sees seconds of what an operator has for hours. What counts on goes on counting as fast as it did between two
real scrapes, what grew with the clock goes on growing with it, all else stays.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

STEP: Final = 30
"""Seconds between two scrapes, as the chart's monitors have it."""
BEFORE: Final = 3600
AFTER: Final = 3 * 3600
_ADDED: Final = {"namespace": "events", "job": "bridge", "container": "bridge", "endpoint": "http"}
"""Labels that Prometheus adds by the chart's ServiceMonitor, beside those of the pod."""
_PROCESS_START: Final = "process_start_time_seconds"
_MOMENTS: Final = ("_time_seconds", "_timestamp_seconds", "_created")
"""How the names of what holds Unix times end; promtool's clock begins at 0."""

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One number of a page."""

    value: float
    counts: bool
    """It is a counter's, and may only grow."""


Page = Mapping[Key, Sample]


@dataclass(frozen=True, slots=True)
class Scrape:
    """All replicas' pages of one moment, by pod; None: it does not answer."""

    at: float
    pages: Mapping[str, Page | None]


def page(text: str) -> Page:
    """The samples of a page in Prometheus' text format."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): Sample(sample.value, family.type in _COUNTING)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not (sample.name.endswith("_created") and family.type in _COUNTING)
    }


_COUNTING: Final = ("counter", "histogram")


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was scraped before, twice during, and after a situation, and for how many seconds it lasts."""

    before: Scrape
    during: tuple[Scrape, Scrape]
    after: Scrape
    lasts: int
    again_every: float = 0.0
    """Seconds after which what it counted at first is counted again; 0: as fast as between the two scrapes."""

    @property
    def ends(self) -> int:
        """When the situation is over, in promtool's seconds."""
        return BEFORE + self.lasts

    def series(self) -> list[dict[str, str]]:
        """The `input_series` of a test."""
        pods = sorted({pod for scrape in (self.before, *self.during, self.after) for pod in scrape.pages})
        return [each for place, pod in enumerate(pods) for each in self._target(pod, f"10.1.0.{place + 4}:9464")]

    def _target(self, pod: str, instance: str) -> Iterator[dict[str, str]]:
        added = {**_ADDED, "pod": pod, "instance": instance}
        yield _written(("up", ()), added, self._up(pod))
        pages = [scrape.pages.get(pod) or {} for scrape in (self.before, *self.during, self.after)]
        for key in sorted(set(itertools.chain(*pages))):
            yield _written(key, added, self._values(key, [page.get(key) for page in pages]))

    def _up(self, pod: str) -> str:
        parts = _Parts()
        for scrape, seconds in ((self.before, BEFORE), (self.during[1], self.lasts), (self.after, AFTER)):
            parts.flat(None if pod not in scrape.pages else float(scrape.pages[pod] is not None), seconds)
        return parts.text

    def _values(self, key: Key, found: Sequence[Sample | None]) -> str:
        before, first, second, after = found
        parts = _Parts()
        if key[0].endswith(_MOMENTS):
            for sample, shown, seconds in zip(
                (before, second, after), self._moments(key[0], found), (BEFORE, self.lasts, AFTER), strict=True
            ):
                parts.flat(None if sample is None else shown, seconds)
            return parts.text
        parts.flat(_value(before), BEFORE)
        slope = 0.0 if first is None or second is None else self._slope(before, first, second)
        parts.growing(_value(second), slope, self.lasts)
        ended = parts.last
        if after is not None and second is not None and after.counts and after.value >= second.value:
            # The same counter goes on from where hours of the situation have brought it.
            parts.flat(ended + after.value - second.value, AFTER)
        else:
            parts.flat(_value(after), AFTER)
        return parts.text

    def _slope(self, before: Sample | None, first: Sample, second: Sample) -> float:
        """How much a second."""
        if first.counts and self.again_every:
            return max(0.0, second.value - (0.0 if before is None else before.value)) / self.again_every
        elapsed = self.during[1].at - self.during[0].at
        grown = second.value - first.value
        if first.counts:
            return max(0.0, grown) / elapsed
        # An age of something that lasts; one that is renewed was renewed meanwhile.
        return 1.0 if abs(grown - elapsed) < _CLOCK * elapsed else 0.0

    def _moments(self, name: str, found: Sequence[Sample | None]) -> Iterator[float]:
        """Unix times in promtool's. A process that ran before has run for the whole hour."""
        places = ((self.before, 0), (self.during[1], BEFORE), (self.after, self.ends))
        for sample, (scrape, place) in zip((found[0], *found[2:]), places, strict=True):
            value = 0.0 if sample is None else sample.value
            if name == _PROCESS_START and value <= self.before.at:
                yield value - self.before.at
            else:
                yield value - scrape.at + place


_CLOCK: Final = 0.3
"""By how much of the time between two scrapes an age may differ from it: pages may be a second old."""


@dataclass(slots=True)
class _Parts:
    """Values in promtool's notation, put together."""

    said: list[str] = field(default_factory=list)
    last: float = math.nan

    @property
    def text(self) -> str:
        return " ".join(self.said)

    def flat(self, value: float | None, seconds: int) -> None:
        self.growing(value, 0.0, seconds)

    def growing(self, value: float | None, slope: float, seconds: int) -> None:
        """From this value on, by so much a second; None: the page has it no more, as Prometheus would mark it."""
        samples = seconds // STEP
        if value is None:
            self.said.append(f"stale _x{samples - 1}" if self.said else f"_x{samples}")
            return
        step = slope * STEP
        self.said.append(f"{_number(value)}{step:+f}x{samples - 1}")
        self.last = value + step * (samples - 1)


def _value(sample: Sample | None) -> float | None:
    return None if sample is None else sample.value


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:f}"


def _written(key: Key, added: Mapping[str, str], values: str) -> dict[str, str]:
    name, labels = key
    listed = ",".join(f'{label}="{_escaped(value)}"' for label, value in {**dict(labels), **added}.items())
    return {"series": f"{name}{{{listed}}}", "values": values}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
