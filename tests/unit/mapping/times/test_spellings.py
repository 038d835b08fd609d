"""Spellings of times that are understood without asking, and those that are not because they can be mistaken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.expressions import instants
from bridge.mapping.expressions.instants import NotATimeError
from bridge.mapping.expressions.times import spellings

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

UNDERSTOOD = [
    "Fri, 02 Jan 2026 03:04:05 +0000",
    "Fri, 2 Jan 2026 04:04:05 +0100",
    "02 Jan 2026 03:04:05 GMT",
    "Fri, 02 Jan 2026 03:04:05 UT",
    "Thu, 01 Jan 2026 22:04:05 EST",
    "fri, 02 jan 2026 03:04:05 gmt",
    "Fri, 02 Jan 2026 04:04:05 +0100 (CET)",
    "Friday, 02-Jan-2026 03:04:05 GMT",
    "2026-01-02t03:04:05z",
    "2026-01-02T03:04:05z",
    "2026-01-02 03:04:05 UTC",
    "2026-01-02 03:04:05UTC",
    "2026-01-02 03:04:05.000 UTC",
    "2026-01-02 03:04:05 +0000 UTC",
    "2026-01-02 04:04:05 +0100 CET",
    "2026-01-02 04:04:05 +0100",
    "2026-01-02 04:04:05 +01",
    "2026-01-02 04:04:05 Europe/Berlin",
    "2026-01-02T04:04:05+01:00[Europe/Berlin]",
    "2026-01-02T03:04:05Z[UTC]",
    "2026-01-02T04:04:05[Europe/Berlin]",
    "2026-01-02T04:04:05[!Europe/Berlin][u-ca=gregory]",
    "2026-01-02T04:04:05+01:00[Nowhere/Known]",
    " 2026-01-02T03:04:05Z\n",
]


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_a_spelling_that_nobody_can_mistake_is_understood(text: str) -> None:
    assert instants.in_utc(instants.parse_text(text)) == "2026-01-02T03:04:05Z"
    assert instants.canonical(text)[0] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fri, 02 Jan 2026 03:04:05",
        "Fri, 02 Jan 26 03:04:05 GMT",
        "Fri, 30 Feb 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 25:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 B",
        "2026-01-02 03:04:05 CST",
        "2026-01-02 03:04:05 PM",
        "2026-01-02T03:04:05Zulu",
        "2026-01-02T03:04:05[CST]",
        "2026-01-02T03:04:05[Nowhere/Known]",
        "2026-01-02T03:04:05[../../../etc/passwd]",
        "2026-01-02T03:04:05[u-ca=gregory]",
        "2026-03-29T02:30:00[Europe/Berlin]",
        "2026-02-30 03:04:05 UTC",
        "2026-01-02 03:04:05 +2500",
        "0001-01-01 00:00:00 Europe/Berlin",
        "01/02/2026 03:04:05 UTC",
        "2026-01-02 UTC",
        "2026-01-02 03:04:05 UTC" + " " * 200 + "x",
    ],
)
def test_a_spelling_that_can_be_mistaken_is_not(text: str) -> None:
    assert spellings.read(text) is None
    with pytest.raises(NotATimeError):
        instants.parse_text(text)


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001 - its zone is drawn beside it
    st.integers(-23 * 60, 23 * 60),
)
def test_a_date_of_a_mail_is_what_the_mail_library_reads(local: datetime, minutes: int) -> None:
    moment = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    text = format_datetime(moment)

    found = spellings.read(text)

    assert found == moment
    assert found == parsedate_to_datetime(text).replace(tzinfo=moment.tzinfo if minutes else UTC)


@given(st.text())
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    found = spellings.read(text)

    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize("use", ["{path: at, type: datetime}", "iso8601(at)", "envelope:occurred_at"])
def test_they_are_understood_wherever_a_time_is_read(bench: Callable[[str], Bench], use: str) -> None:
    mapping = bench(
        f"user_id: u\noccurred_at: at\nevents: {{order: {{metadata: {{m: {use!r}}}}}}}".replace("'{", "{").replace(
            "}'", "}"
        )
    )

    metadata = mapping.metadata({"type": "order", "u": "u", "at": "Fri, 02 Jan 2026 04:04:05 +0100"})

    assert metadata["m"] == metadata["occurred_at"] == "2026-01-02T03:04:05Z"
