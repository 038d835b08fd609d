"""The ordinary run: seeds one after the other, in blocks. `make soak` runs many more; a seed found there stays here."""

from __future__ import annotations

import pytest

from tests.simulation.history import run
from tests.simulation.plan import plan
from tests.simulation.report import report

BLOCK = 25
BLOCKS = 100
EVERYDAY_BLOCKS = 4
"""As many as `make test` has time for; CI runs all."""


@pytest.mark.parametrize(
    "block",
    [pytest.param(block, marks=[pytest.mark.slow] if block >= EVERYDAY_BLOCKS else []) for block in range(BLOCKS)],
)
def test_no_history_loses_reorders_or_keeps_an_event_for_ever(block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        told = run(plan(seed))
        if told.violation is not None:
            pytest.fail(report(told.plan, told.violation), pytrace=False)


@pytest.mark.parametrize("seed", [7, 302, 1873])
def test_one_seed_is_one_history_to_the_letter(seed: int) -> None:
    once, again = (run(plan(seed), tell=True).world.timeline.lines for _ in range(2))
    assert len(once) > 20
    assert once == again
