from __future__ import annotations

import random

import pytest

from bridge.model import TopicPartition, Verdict
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED, THROTTLED, TIMED_OUT, unauthorized
from tests.unit.pipeline.world import World


def history(seed: int) -> list[object]:
    """A busy quarter of an hour with one of everything; what the API and the operator saw of it."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    world = World(DeliverySettings.model_construct(rate_limit=None, max_in_flight=16, hold_after_letters=30), seed=seed)
    verdicts: list[Verdict] = [*[ACCEPTED] * 12, FAILED, TIMED_OUT, THROTTLED, REJECTED, unauthorized()]
    world.sink.api = lambda _: (rng.uniform(0.01, 3.0), rng.choice(verdicts))
    partitions = [TopicPartition(topic, n) for topic in ("orders", "payments", "signups") for n in range(3)]
    for _ in range(100):
        leaving = {each.tracker.partition for each in world.dispatcher.assignments} - world.owned.keys()
        partition = rng.choice([each for each in partitions if each not in leaving])
        world.feed(
            partition, *[rng.choice(["!", "-", "ann", "ann+bob", f"user {rng.randrange(99)}"]) for _ in range(9)]
        )
        world.run(rng.uniform(0.0, 9.0))
        if rng.random() < 0.2:
            world.lose(*sorted(world.owned))
        elif rng.random() < 0.2:
            world.revoke(*sorted(world.owned)[:4])
    return [
        world.sink.sent,
        world.sink.accepted,
        [entry[0] for entry in world.event_log.entries],
        world.letters.written,
    ]


@pytest.mark.slow
def test_the_same_seed_is_the_same_history_to_the_letter() -> None:
    """In one process the addresses of objects differ between the two, and with them the order of any set of these."""
    for seed in range(4):
        assert history(seed) == history(seed)
