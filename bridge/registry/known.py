"""The schemas in memory: bounded by bytes, and what was decided as unknown only for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bridge.decode.protocol import NoSchema, Schema

KEPT_BYTES: Final = 32 * 1024 * 1024
"""Of all schemas' texts. The one that was used longest ago goes out: it is read from `cache_dir`, or asked for again.
A bridge has tens of schemas of some kilobytes; the bound is for ids that are made up."""
NEGATIVE_FOR: Final = 60.0
"""Seconds for which a reference that nobody knows is not asked for again. After that the next record that names it
asks once, so that a dead letter can be sent again once the registry knows the id."""
NEGATIVES: Final = 10_000
"""References without a schema that are remembered."""


@dataclass(slots=True)
class _Negative:
    answer: NoSchema
    until: float | None
    """None: for ever, as ids do not change."""


class KnownSchemas(Mapping[str, Schema | NoSchema]):
    """See `Schemas`: what decoders read."""

    def __init__(self, clock: Callable[[], float], *, limit: int = KEPT_BYTES, negatives: int = NEGATIVES) -> None:
        self.size = 0
        """Bytes of all texts."""
        self._clock = clock
        self._limit = limit
        self._most_negatives = negatives
        self._schemas: OrderedDict[str, Schema] = OrderedDict()
        self._negatives: OrderedDict[str, _Negative] = OrderedDict()

    def __getitem__(self, reference: str) -> Schema | NoSchema:
        schema = self._schemas.get(reference)
        if schema is not None:
            self._schemas.move_to_end(reference)
            return schema
        negative = self._negatives[reference]
        if negative.until is not None and negative.until <= self._clock():
            raise KeyError(reference)
        return negative.answer

    def __iter__(self) -> Iterator[str]:
        now = self._clock()
        yield from list(self._schemas)
        yield from [name for name, each in self._negatives.items() if each.until is None or each.until > now]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def counts(self) -> tuple[int, int]:
        """How many schemas there are, and how many references that have none."""
        return len(self._schemas), len(self) - len(self._schemas)

    def was_unknown(self, reference: str) -> bool:
        """Whether it was decided once that nobody knows it, and may be asked for again."""
        negative = self._negatives.get(reference)
        return negative is not None and negative.until is not None

    def add(self, reference: str, answer: Schema | NoSchema, *, again: bool = False) -> None:
        """Take what was decided; `again`: of a `NoSchema`, that it is asked for later."""
        self._negatives.pop(reference, None)
        if isinstance(answer, Schema):
            self._keep(reference, answer)
            return
        self._negatives[reference] = _Negative(answer, self._clock() + NEGATIVE_FOR if again else None)
        while len(self._negatives) > self._most_negatives:
            self._negatives.popitem(last=False)

    def _keep(self, reference: str, schema: Schema) -> None:
        if (old := self._schemas.pop(reference, None)) is not None:
            self.size -= weight(old)
        self._schemas[reference] = schema
        self.size += weight(schema)
        while self.size > self._limit and len(self._schemas) > 1:
            _, out = self._schemas.popitem(last=False)
            self.size -= weight(out)


def weight(schema: Schema) -> int:
    """Characters of all its texts: nearly all are ASCII, and so bytes."""
    return len(schema.text) + sum(len(name) + len(text) for name, text in schema.references)
