"""The simulation finds what it is there to find: each deliberate bug, within a few hundred histories."""

from __future__ import annotations

import pytest

from tests.simulation.history import run
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.plan import plan

pytestmark = pytest.mark.slow  # it tests the simulation, not the bridge

WITHIN = 300


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_deliberate_bug_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.patch(monkeypatch)
    others: dict[str, int] = {}
    for seed in range(WITHIN):
        violation = run(plan(seed)).violation
        if violation is not None and violation.startswith(f"{mutant.promise}:"):
            return
        if violation is not None:
            others[violation] = seed
    pytest.fail(f"{mutant.name}: not found within {WITHIN} histories; they found {list(others.items())[:5]}")
