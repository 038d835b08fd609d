from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.mapping.expressions import instants
from bridge.mapping.expressions.instants import NotATimeError
from bridge.mapping.expressions.scalars import converter

MOMENTS = st.datetimes(timezones=st.just(UTC))
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def counted(moment: datetime, unit: str) -> int:
    return (moment - instants.EPOCH) // timedelta(microseconds=instants.MICROSECONDS_PER[unit])


@given(MOMENTS, st.sampled_from(["s", "ms", "us", "d"]))
@example(EARLIEST, "us")
@example(LATEST, "us")
@example(instants.EPOCH - timedelta(milliseconds=1), "ms")
def test_a_whole_number_becomes_the_text_of_the_moment_it_counts(moment: datetime, unit: str) -> None:
    count = counted(moment, unit)
    assert instants.count_in_utc(count, unit) == instants.in_utc(instants.parse_number(count, unit))


@given(st.integers(-(10**18), 4 * 10**18))
@example(1_500)
@example(2_500)
@example(-500)
def test_nanoseconds_are_rounded_to_the_microsecond_as_any_fraction_is(count: int) -> None:
    moment = instants.parse_number(count, "ns")

    assert moment == instants.parse_number(Decimal(count) / 1_000, "us")
    assert abs((moment - instants.EPOCH) // timedelta(microseconds=1) * 1_000 - count) <= 500


@pytest.mark.parametrize("unit", ["s", "ms", "us", "d"])
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


@pytest.mark.parametrize(
    ("moment", "milliseconds"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678_999, UTC), 1_767_323_045_678),
        (datetime(1969, 12, 31, 23, 59, 59, 999_500, UTC), -1),
    ],
)
def test_a_moment_that_becomes_a_number_is_its_milliseconds_rounded_down(moment: datetime, milliseconds: int) -> None:
    assert converter("integer", None, None)(moment) == milliseconds
    assert converter("number", None, None)(moment) == milliseconds
