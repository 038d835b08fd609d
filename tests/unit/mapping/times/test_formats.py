"""`format` and `zone`: as `strptime` and the list of time zones have it, whatever the locale; never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.mapping.expressions import instants
from bridge.mapping.expressions.instants import NotATimeError
from bridge.mapping.expressions.times import formats, zones

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

FORMATS = [
    "%d.%m.%Y %H:%M",
    "%Y-%m-%d",
    "%m/%d/%y %I:%M:%S %p",
    "%d-%b-%Y %H:%M:%S.%f",
    "%A, %d %B %Y",
    "%a %b %d %H:%M:%S %Y",
    "%Y%m%d%H%M%S",
    "%Y-%j %H:%M",
    "100%% %Y/%m/%d (%H)",
]
LOCAL = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31))  # noqa: DTZ001 - local times are what is read


def read(text: str, written: str | None, zone: str | None) -> str:
    return instants.in_utc(formats.reader(written, zone)(text))


@given(LOCAL, st.sampled_from(FORMATS))
def test_a_text_is_the_time_that_strptime_reads(local: datetime, written: str) -> None:
    text = local.strftime(written)

    assert formats.reader(written, "UTC")(text) == datetime.strptime(text, written).replace(tzinfo=UTC)


@given(st.text(alphabet="0123456789 .:-/apmAPM", max_size=20), st.sampled_from(FORMATS))
def test_what_strptime_does_not_read_is_no_time(text: str, written: str) -> None:
    try:
        expected = datetime.strptime(text.strip(), written)  # noqa: DTZ007 - its zone is what is tested elsewhere
    except ValueError:
        assume("%f" not in written)  # of which up to nine digits are taken
        with pytest.raises(NotATimeError):
            formats.reader(written, "UTC")(text)
    else:
        assert formats.reader(written, "UTC")(text) == expected.replace(tzinfo=UTC)


@given(LOCAL, st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]))
def test_a_local_time_is_the_moment_at_which_the_zones_clocks_first_show_it(local: datetime, name: str) -> None:
    local, zone = local.replace(microsecond=0), ZoneInfo(name)
    shown_at = [
        moment
        for fold in (0, 1)
        if (moment := local.replace(tzinfo=zone, fold=fold).astimezone(UTC))
        .astimezone(zone)
        .replace(tzinfo=None, fold=0)
        == local
    ]

    found = zones.moment(local, zone)

    assert found == (min(shown_at) if shown_at else None)


@pytest.mark.parametrize(
    ("text", "written", "zone", "expected"),
    [
        ("02.01.2026 04:04", "%d.%m.%Y %H:%M", "Europe/Berlin", "2026-01-02T03:04:00Z"),
        ("2.7.2026 04:04", "%d.%m.%Y %H:%M", "Europe/Berlin", "2026-07-02T02:04:00Z"),
        (" 02.01.2026  04:04\n", "%d.%m.%Y %H:%M", "Europe/Berlin", "2026-01-02T03:04:00Z"),
        ("02.01.2026", "%d.%m.%Y", "Europe/Berlin", "2026-01-01T23:00:00Z"),
        ("01/02/26 12:05 am", "%m/%d/%y %I:%M %p", "UTC", "2026-01-02T00:05:00Z"),
        ("01/02/26 12:05 PM", "%m/%d/%y %I:%M %p", "UTC", "2026-01-02T12:05:00Z"),
        ("2 JAN 2026", "%d %b %Y", "UTC", "2026-01-02T00:00:00Z"),
        ("2026-01-02 03:04:05.123456789", "%Y-%m-%d %H:%M:%S.%f", "UTC", "2026-01-02T03:04:05.123456Z"),
        ("20260102 0304 +0100", "%Y%m%d %H%M %z", None, "2026-01-02T02:04:00Z"),
        ("20260102 0304 -05:30", "%Y%m%d %H%M %z", None, "2026-01-02T08:34:00Z"),
        ("20260102 0304Z", "%Y%m%d %H%M%z", None, "2026-01-02T03:04:00Z"),
        ("02.01.2026", "%d.%m.%Y", "+01:00", "2026-01-01T23:00:00Z"),
        ("25.10.2026 02:30", "%d.%m.%Y %H:%M", "Europe/Berlin", "2026-10-25T00:30:00Z"),  # shown twice: the first
        ("2026-01-02T04:04:05", None, "Europe/Berlin", "2026-01-02T03:04:05Z"),
        ("2026-01-02 04:04", None, "Europe/Berlin", "2026-01-02T03:04:00Z"),
        ("2026-01-02", None, "Europe/Berlin", "2026-01-01T23:00:00Z"),
        ("2026-01-02T04:04:05Z", None, "Europe/Berlin", "2026-01-02T04:04:05Z"),
        ("Fri, 02 Jan 2026 03:04:05 GMT", None, "Europe/Berlin", "2026-01-02T03:04:05Z"),
    ],
)
def test_a_format_and_a_zone_are_read_together(text: str, written: str | None, zone: str | None, expected: str) -> None:
    assert read(text, written, zone) == expected


@pytest.mark.parametrize(
    ("text", "written", "zone", "sentence"),
    [
        ("2026-01-02", "%d.%m.%Y", "UTC", "is a string that is not a time in the format '%d.%m.%Y'"),
        ("31.02.2026", "%d.%m.%Y", "UTC", "is a string with a day that its month, or its year, does not have"),
        ("2026-366", "%Y-%j", "UTC", "is a string with a day that its month, or its year, does not have"),
        ("02.01.2026 x", "%d.%m.%Y", "UTC", "is a string that is not a time in the format '%d.%m.%Y'"),
        ("20260102 +2500", "%Y%m%d %z", None, "is a string that is not a time in the format '%Y%m%d %z'"),
        (
            "\N{ARABIC-INDIC DIGIT ZERO}2.01.2026",
            "%d.%m.%Y",
            "UTC",
            "is a string that is not a time in the format '%d.%m.%Y'",
        ),
        (
            "29.03.2026 02:30",
            "%d.%m.%Y %H:%M",
            "Europe/Berlin",
            "is a time that clocks in Europe/Berlin never show: there they are put forward over it",
        ),
        ("01.01.0001", "%d.%m.%Y", "+01:00", "is a time that clocks in UTC+01:00 never show"),
        ("tomorrow", None, "UTC", "is a string that is not an ISO 8601 time"),
    ],
)
def test_what_is_no_such_time_is_a_failure_that_shows_nothing_of_it(
    text: str, written: str | None, zone: str | None, sentence: str
) -> None:
    with pytest.raises(NotATimeError) as failure:
        read(text, written, zone)
    assert str(failure.value).startswith(sentence)


PLACE = "events.order.metadata.at"


@pytest.mark.parametrize(
    ("keys", "where", "sentence"),
    [
        ("format: '%d.%q', zone: UTC", "format", "'%d.%q' has %q, which is no directive: there are %Y, %y"),
        ("format: '%Y-%m-%d %Z'", "format", "a zone's short name is no one zone; write zone: with its full one"),
        ("format: '%s'", "format", "for seconds since 1970 write unit: s instead of a format"),
        ("format: '%Y-%m-%d %T', zone: UTC", "format", "write %H:%M:%S"),
        ("format: '%Y-%m-%d %'", "format", "has %, which is no directive"),
        (
            "format: '%d.%m.%Y'",
            "format",
            "has no %z, so nothing says in which zone its times are; add zone, such as UTC",
        ),
        ("format: '%d.%m.%Y %z', zone: UTC", "format", "has %z, so its times say their zone; remove zone, or %z"),
        ("format: '%d.%m', zone: UTC", "format", "has no year; add %Y"),
        ("format: '%Y', zone: UTC", "format", "has no whole date; add %m and %d"),
        ("format: '%d.%m.%Y %I:%M', zone: UTC", "format", "has %I without %p; add it"),
        ("format: '%d.%m.%Y :%M', zone: UTC", "format", "has %M without %H or %I; add it"),
        ("format: '%d.%d.%m.%Y', zone: UTC", "format", "has %d twice"),
        ("format: '%d.%m.%b.%Y', zone: UTC", "format", "has %m and %b, which say the same; remove one of them"),
        (
            "format: '%d.%m.%Y', zone: Europe/Berln",
            "zone",
            "'Europe/Berln' is no time zone; did you mean Europe/Berlin?",
        ),
        ("zone: CEST", "zone", "is no time zone"),
        ("zone: localtime", "zone", "is no time zone"),
        ("zone: ../../etc/passwd", "zone", "is no time zone; write it as Europe/Berlin, UTC or +01:00"),
    ],
)
def test_a_format_or_zone_that_cannot_be_is_named_with_its_key(
    problems: Callable[[str], dict[str, str]], keys: str, where: str, sentence: str
) -> None:
    found = problems(f"events: {{order: {{metadata: {{at: {{path: x, type: datetime, {keys}}}}}}}}}")

    assert list(found) == [f"mapping.{PLACE}.{where}"]
    assert sentence in found[f"mapping.{PLACE}.{where}"]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (5, "metadata.m: x is a number; a string with a time is needed"),
        (True, "metadata.m: x is a boolean; a string with a time is needed"),
        ("secret", "metadata.m: x is a string that is not a time in the format '%d.%m.%Y %H:%M'"),
        ("2026-01-02T03:04:05Z", "metadata.m: x is a string that is not a time in the format '%d.%m.%Y %H:%M'"),
    ],
)
def test_a_record_with_another_value_is_a_dead_letter(order: Callable[[str], Bench], found: Any, sentence: str) -> None:
    mapping = order("metadata: {m: {path: x, type: datetime, format: '%d.%m.%Y %H:%M', zone: Europe/Berlin}}")

    assert mapping.metadata({"type": "order", "u": "u", "x": "02.01.2026 04:04"}) == {"m": "2026-01-02T03:04:00Z"}
    assert mapping.failed({"type": "order", "u": "u", "x": found}).message == sentence


def test_a_list_of_such_times_is_joined_and_a_default_stands_in(order: Callable[[str], Bench]) -> None:
    how = "type: datetime, format: '%d.%m.%Y', zone: UTC"
    mapping = order(f"metadata: {{m: {{path: x, {how}, join: ' '}}, n: {{path: y, {how}, default: never}}}}")

    assert mapping.metadata({"type": "order", "u": "u", "x": ["02.01.2026", "03.01.2026"]}) == {
        "m": "2026-01-02T00:00:00Z 2026-01-03T00:00:00Z",
        "n": "never",
    }


def test_when_an_event_occurred_may_be_in_a_format(bench: Callable[[str], Bench]) -> None:
    mapping = bench(
        "user_id: u\noccurred_at: {path: at, type: datetime, format: '%d.%m.%Y %H:%M', zone: Europe/Berlin}\n"
        "events: {order: {}}"
    )

    assert (
        mapping.metadata({"type": "order", "u": "u", "at": "02.01.2026 04:04"})["occurred_at"] == "2026-01-02T03:04:00Z"
    )


def test_every_directive_is_one_of_strptime() -> None:
    for sign, pattern in formats._DIRECTIVES.items():
        text = (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta()).strftime(f"%{sign}")
        assert re.fullmatch(pattern, text, re.IGNORECASE), sign


@given(
    st.text(max_size=20) | st.text(alphabet="%YmdHMSfzbBaAjIpyZs .:-", max_size=20), st.none() | st.text(max_size=20)
)
def test_any_format_and_zone_is_taken_or_refused_in_words(written: str, zone: str | None) -> None:
    try:
        read_text = formats.reader(written, zone)
    except formats.TimeFormatError:
        return
    for text in ("", written, "02.01.2026 04:04", "9" * 1000):
        with suppress(NotATimeError):
            assert read_text(text).tzinfo is not None
