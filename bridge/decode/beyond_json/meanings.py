"""What a stored number or some bytes stand for, and the types of Kafka Connect and Debezium that say so by their name.

Avro's converter writes these names as ``connect.name``, the JSON converter as ``name``: one table for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

MeaningKind = Literal[
    "decimal", "big-decimal", "uuid", "date", "time", "timestamp", "local-timestamp", "duration", "span"
]
"""What the stored form stands for. ``span`` is a time that passed, ``duration`` Avro's own in months, days and more."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a number or some bytes mean, by a logical type of Avro, Connect or Debezium."""

    kind: MeaningKind
    scale: int = 0
    """Of a decimal: places behind the point, fewer than none where the number counts tens or more."""
    ticks: int = 1_000
    """Of a time: how many of what it counts make a second."""


MOST_PLACES: Final = 400
"""Behind the point of a decimal: beyond that nothing is a number of this world, and arithmetic takes its time."""
MS, US, NS = 1_000, 1_000_000, 1_000_000_000
"""Ticks of a second."""

_CONNECT: Final = "org.apache.kafka.connect.data."
_DEBEZIUM: Final = "io.debezium.time."
DECIMAL: Final = f"{_CONNECT}Decimal"
"""Bytes, with a scale among the parameters."""
VARIABLE_SCALE: Final = "io.debezium.data.VariableScaleDecimal"
"""A record of a scale and a number's bytes."""

BY_CONNECT_NAME: Final[Mapping[tuple[str, str], Meaning]] = {
    ("int", f"{_CONNECT}Date"): Meaning("date"),
    ("int", f"{_CONNECT}Time"): Meaning("time", ticks=MS),
    ("long", f"{_CONNECT}Timestamp"): Meaning("timestamp", ticks=MS),
    ("int", f"{_DEBEZIUM}Date"): Meaning("date"),
    ("int", f"{_DEBEZIUM}Time"): Meaning("time", ticks=MS),
    ("long", f"{_DEBEZIUM}MicroTime"): Meaning("time", ticks=US),
    ("long", f"{_DEBEZIUM}NanoTime"): Meaning("time", ticks=NS),
    # Debezium counts these as if the column's own clock were UTC.
    ("long", f"{_DEBEZIUM}Timestamp"): Meaning("timestamp", ticks=MS),
    ("long", f"{_DEBEZIUM}MicroTimestamp"): Meaning("timestamp", ticks=US),
    ("long", f"{_DEBEZIUM}NanoTimestamp"): Meaning("timestamp", ticks=NS),
    ("long", f"{_DEBEZIUM}MicroDuration"): Meaning("span", ticks=US),
    ("long", f"{_DEBEZIUM}NanoDuration"): Meaning("span", ticks=NS),
}
"""By the kind of number, of 32 or of 64 bits, and the name. All others of Debezium's are texts that say what they mean
(ZonedTimestamp, Interval, Json), or numbers (Year)."""


def scale_in(parameters: Any) -> int | None:
    """The scale that Connect gives among a type's parameters, as a text; None where there is none."""
    text = parameters.get("scale") if isinstance(parameters, Mapping) else None
    return int(text) if isinstance(text, str) and text.lstrip("-").isdecimal() and len(text) < 6 else None


def decimal_of_scale(scale: int | None) -> Meaning | None:
    """Connect's decimal, of scale 0 where none is given; None where no number can have so many places."""
    return None if scale is not None and abs(scale) > MOST_PLACES else Meaning("decimal", scale=scale or 0)
