"""Faults are typed in one short form; what it means is the emulator's own fault, and a wrong one is a sentence."""

from __future__ import annotations

import pytest

from bridge.emulator import fault_words
from bridge.sandbox.emulator.faults import Fault, FaultKind


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault(kind=FaultKind.STATUS, status=503)),
        ("503:10%", Fault(kind=FaultKind.STATUS, status=503, probability=0.1)),
        ("429:retry-after=60", Fault(kind=FaultKind.STATUS, status=429, headers={"Retry-After": "60"})),
        ("timeout", Fault(kind=FaultKind.HANG)),
        ("timeout:for=30s", Fault(kind=FaultKind.HANG, end=30.0)),
        ("500:after=10s,for=5s", Fault(kind=FaultKind.STATUS, status=500, start=10.0, end=15.0)),
        ("500:for=5s,after=10s", Fault(kind=FaultKind.STATUS, status=500, start=10.0, end=15.0)),
        (
            "400:times=3,event=Order Completed",
            Fault(kind=FaultKind.STATUS, status=400, count=3, event_name="Order Completed"),
        ),
        ("reset:user=u-1", Fault(kind=FaultKind.DROP_AFTER_READING, user_id="u-1")),
        ("reset:accepts", Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True)),
        ("slow", Fault(kind=FaultKind.ORDINARY, delay=2.0)),
        ("slow:by=200ms,50%", Fault(kind=FaultKind.ORDINARY, delay=0.2, probability=0.5)),
        ("503:path=/v1/identify", Fault(kind=FaultKind.STATUS, status=503, path="/v1/identify")),
    ],
)
def test_a_fault_means_what_it_says(text: str, fault: Fault) -> None:
    assert fault_words.read(text).fault == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("200", "'200' is no fault: it is a status from 400 to 599 or one of timeout,"),
        ("600", "'600' is no fault"),
        ("boom", "'boom' is no fault"),
        ("503:often", "'often' is no condition of a fault"),
        ("503:110%", "'110%': it must be a percentage"),
        ("503:for=long", "'for=long': it must be a duration such as 20s"),
        ("503:times=0", "'times=0': it must be a whole number above zero"),
        ("429:retry-after=soon", "'retry-after=soon': it must be whole seconds such as 60"),
        ("503:user=", "'user=': it must not be empty"),
        ("5\x1b[31m", r"'5\\x1b[31m' is no fault"),
    ],
)
def test_a_wrong_one_is_refused_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^'") as refused:
        fault_words.read(text)
    assert str(refused.value).startswith(said)


def test_more_faults_than_anybody_can_follow_are_refused() -> None:
    with pytest.raises(ValueError, match="21 faults are too many: at most 20 at a time"):
        fault_words.read_all(["503"] * 21)
    assert fault_words.read_all(["503", " ", ""]) == (fault_words.read("503"),)
