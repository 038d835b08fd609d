from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ops.status.status_text import times
from bridge.text import moments


def test_a_moment_is_written_in_utc() -> None:
    assert moments.iso(1_767_355_200.5) == "2026-01-02T12:00:00.500Z"
    assert moments.iso(1_767_355_200, "seconds") == "2026-01-02T12:00:00Z"


@pytest.mark.parametrize("seconds", [1.7e12, -1e12, math.nan, math.inf, -math.inf, 10**400, moments.LAST + 1])
def test_a_number_that_no_calendar_holds_is_no_moment(seconds: float) -> None:
    assert moments.utc(seconds) is None
    assert moments.iso(seconds) is None


@given(st.floats() | st.integers())
def test_every_moment_that_is_written_can_be_read_and_shown(seconds: float) -> None:
    written = moments.iso(seconds)
    if written is not None:
        assert times.Times(seconds, times.local).at(written)


def test_milliseconds_are_written_exactly_up_to_the_calendars_edge() -> None:
    assert moments.iso_of_millis(1_767_355_200_007) == "2026-01-02T12:00:00.007Z"
    assert moments.iso_of_millis(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"
    assert moments.iso_of_millis(253_402_300_800_000) is None
    assert moments.iso_of_millis(10**30) is None


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_edges_of_the_calendar_are_shown_in_the_readers_zone(written: str) -> None:
    shown = times.Times(0.0, times.local)
    assert shown.since(written).startswith("since ")
    assert shown.about(written)
