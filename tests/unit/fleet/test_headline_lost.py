"""What is lost is said in a sentence, also where nothing is, and where nobody knows."""

from __future__ import annotations

import pytest

from bridge.fleet import headline
from bridge.fleet.view import FleetView
from bridge.ops.snapshot import RecordedLosses


def of(losses: RecordedLosses | None) -> str:
    return headline.lost(FleetView(at=1_000.0, group_id="bridge", losses=losses))


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        (None, "What is lost is not known."),
        (RecordedLosses(0, 0, None, (), 0, is_read=False), "What is lost is not known."),
        (RecordedLosses(0, 0, None, (), 0), "Nothing is recorded as lost."),
        (RecordedLosses(50, 0, 900.0, (), 1), "At most 50 records are lost."),
        (
            RecordedLosses(50, 1, 900.0, (), 2),
            "At most 50 records are lost, and of 1 loss nobody knows how many.",
        ),
    ],
)
def test_what_is_lost_is_one_sentence(losses: RecordedLosses | None, said: str) -> None:
    assert of(losses) == said
