"""What measuring a decoder takes, whichever it is: its rows are in `avro` and `protobuf`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.table import Row
from bridge.config.mapping_section import MappingConfig
from bridge.decode.protocol import Schema
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Record

REFERENCE = "id:42"
TURNS = 400
RECORDS = 200
"""In a turn: few enough that a turn falls between two interruptions now and then."""
Measured = Callable[[int], Row]
"""Takes a number of turns."""


def rows(measured: Sequence[Measured], turns: int) -> Iterator[Row]:
    """Measured as they are asked for, one after the other."""
    return (measure(turns) for measure in measured)


def least(turns: int, **works: Callable[[], None]) -> dict[str, float]:
    """Microseconds a record of each, of its quickest turn; they take turns, so that what disturbs disturbs all."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(turns):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - began)
    return {name: seconds / RECORDS * 1e6 for name, seconds in best.items()}


def each(function: Callable[..., Any], given: Sequence[Any], *more: Any) -> Callable[[], None]:
    """Without a call in between, which would be counted."""
    if len(more) == 2:
        one, other = more

        def with_two() -> None:
            for item in given:
                function(item, one, other)

        return with_two
    if more:
        (only,) = more

        def with_one() -> None:
            for item in given:
                function(item, only)

        return with_one

    def alone() -> None:
        for item in given:
            function(item)

    return alone


def record(value: bytes) -> Record:
    return Record("orders", 0, 0, 1_767_323_045_000, None, value, ())


def mapping(decode: str, schema: Schema) -> CompiledMapping:
    """Of one type, by a plain path; the schema is known."""
    config = {"decode": decode, "event_type": "type", "user_id": "user_id", "events": {"order.paid": {}}}
    compiled = compile_mapping(MappingConfig.model_validate(config), {REFERENCE: schema})
    assert isinstance(compiled, CompiledMapping)
    return compiled


def new_schema(format_name: str, turns: int, first: Callable[[], object]) -> Row:
    """`first` compiles the schema and reads its first record."""
    best = float("inf")
    for _ in range(max(3, turns // 20)):
        began = time.perf_counter()
        first()
        best = min(best, time.perf_counter() - began)
    return Row(f"{format_name}, a new schema of 20 fields", f"{best * 1e3:.2f} ms", "≤ 5 ms", met=best <= 5e-3)
