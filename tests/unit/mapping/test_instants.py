from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.mapping.expressions import instants
from bridge.mapping.expressions.instants import NotATimeError

MOMENTS = st.datetimes(timezones=st.just(UTC))
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def counted(moment: datetime, unit: str) -> int:
    return (moment - instants.EPOCH) // timedelta(microseconds=instants.MICROSECONDS_PER[unit])


@given(MOMENTS, st.sampled_from(["s", "ms", "us"]))
@example(EARLIEST, "us")
@example(LATEST, "us")
@example(instants.EPOCH - timedelta(milliseconds=1), "ms")
def test_a_whole_number_becomes_the_text_of_the_moment_it_counts(moment: datetime, unit: str) -> None:
    count = counted(moment, unit)
    assert instants.count_in_utc(count, unit) == instants.in_utc(instants.parse_number(count, unit))


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("past", [0, 1, 10**30, 10**400])
def test_a_number_outside_the_calendar_is_refused_in_the_words_of_any_number(unit: str, past: int) -> None:
    for count in (counted(LATEST, unit) + 1 + past, counted(EARLIEST, unit) - 1 - past):
        with pytest.raises(NotATimeError) as plain:
            instants.parse_number(count, unit)
        with pytest.raises(NotATimeError) as quick:
            instants.count_in_utc(count, unit)
        assert str(quick.value) == str(plain.value)


@given(
    MOMENTS, st.sampled_from(["seconds", "milliseconds", "microseconds"]), st.sampled_from(["Z", "+00:00", "+02:00"])
)
@example(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "milliseconds", "Z")
def test_a_text_that_is_passed_on_unchanged_is_the_one_that_writing_it_anew_would_give(
    moment: datetime, precision: str, zone: str
) -> None:
    text = moment.replace(tzinfo=None).isoformat(timespec=precision) + zone
    try:
        expected = instants.in_utc(instants.parse_text(text))
    except NotATimeError:
        return
    assert instants.canonical(text) == (expected, instants.parse_text(text))
