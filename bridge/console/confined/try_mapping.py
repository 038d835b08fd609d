"""The process that maps a record by a mapping that somebody typed."""

from __future__ import annotations

import pickle
from typing import NamedTuple

import orjson

from bridge.console.confined.frames import answer_all
from bridge.console.playground.trial import tried


class TrialOrder(NamedTuple):
    """One trial, see `tried`."""

    files: list[str]
    mapping: str
    record: str
    topic: str
    now: float


def answer(message: bytes) -> bytes:
    """A `TrialOrder` as JSON becomes a pickled `MappingTrial`."""
    order = TrialOrder(**orjson.loads(message))
    trial = tried(frozenset(order.files), order.mapping, order.record, order.topic, order.now)
    # A bridge would make a dead letter of it; here it says what the limit is, and nothing of the mapping.
    if any(look.detail.endswith(MemoryError.__name__) for each in trial.explanations for look in each.looks):
        raise MemoryError
    return pickle.dumps(trial)


if __name__ == "__main__":
    answer_all(answer)
