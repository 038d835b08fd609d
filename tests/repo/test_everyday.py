"""What `make test` leaves out is what says of itself that it is slow, and no test of the quick tiers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from tests.conftest import TIERS
from tests.everyday import EVERYDAY, QUICK_TIERS, is_everyday


def item(*marks: str) -> pytest.Item:
    return cast("pytest.Item", SimpleNamespace(get_closest_marker=lambda name: name if name in marks else None))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("marks", [(), ("slow",), ("timeout",), ("short",)])
def test_a_test_is_left_out_that_is_slow_and_a_real_kafka_stays_in_where_it_is_short(
    tier: str, marks: tuple[str, ...]
) -> None:
    if tier in QUICK_TIERS:
        expected = marks != ("slow",)
    elif tier == "component":
        expected = marks in {(), ("short",)}
    else:
        expected = marks == ("short",)
    assert is_everyday(tier, item(*marks)) == expected


def test_marks_are_given_before_they_choose(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker(EVERYDAY)
