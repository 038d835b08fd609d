"""Every case the fuzzer ever found, and the inputs it starts from, are replayed for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import __main__ as runner
from tests.fuzz.targets import CORPUS, TARGETS

CASES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("case", [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in CASES])
def test_a_case_that_was_found_stays_mended(case: Path) -> None:
    TARGETS[case.parent.name](case.read_bytes())


def test_every_target_is_fuzzed_and_has_inputs_to_start_from() -> None:
    assert tuple(TARGETS) == runner.TARGETS
    assert {path.parent.name for path in CASES} == set(TARGETS)
