"""How long the backlog takes, and whether the log keeps it that long."""

import pytest

from bridge.cli.checks.findings import Finding, Level
from bridge.cli.checks.offsets import TopicBacklog, forecast, growth

PER_MINUTE_600 = 10.0
DAY = 86_400.0


def _whats(found: list[Finding], level: Level) -> list[str]:
    return [each.what for each in found if each.level is level]


def test_the_backlog_is_told_with_the_time_it_takes() -> None:
    found = forecast([TopicBacklog("orders", 1_200_000)], PER_MINUTE_600)
    assert _whats(found, Level.NOTE) == ["1,200,000 records behind; at 600/min 1 d 9 h if all are mapped."]


def test_several_topics_are_told_apart_the_longest_first() -> None:
    (note,) = forecast([TopicBacklog("a", 10), TopicBacklog("b", 500), TopicBacklog("c", 0)], PER_MINUTE_600)
    assert note.what.endswith("By topic: b 500, a 10.")


def test_nothing_behind_is_ok() -> None:
    (found,) = forecast([TopicBacklog("orders", 0)], PER_MINUTE_600)
    assert (found.level, found.what) == (Level.OK, "Nothing waits to be read.")


def test_without_a_rate_limit_no_time_is_invented() -> None:
    (found,) = forecast([TopicBacklog("orders", 50)], None)
    assert "no rate limit is set" in found.what


def test_a_topic_whose_start_is_undecided_is_named_and_not_counted() -> None:
    (found,) = forecast([TopicBacklog("orders", 60)], PER_MINUTE_600, ["new.topic"])
    assert "60 records behind (without new.topic, whose start is not decided)" in found.what


@pytest.mark.parametrize(("retention", "warnings"), [(1.9 * DAY, 1), (2.1 * DAY, 0), (None, 0)])
def test_a_retention_shorter_than_the_backlog_takes_is_a_warning(retention: float | None, warnings: int) -> None:
    found = forecast([TopicBacklog("orders", int(2 * DAY * 10), retention)], PER_MINUTE_600)
    assert len(_whats(found, Level.WARNING)) == warnings


def test_an_idle_topic_with_a_short_retention_is_no_reason_to_warn() -> None:
    found = forecast([TopicBacklog("orders", 1_000_000), TopicBacklog("idle", 0, 60.0)], PER_MINUTE_600)
    assert _whats(found, Level.WARNING) == []


def test_more_arriving_than_can_be_sent_is_a_warning_with_the_share_that_fits() -> None:
    (found,) = growth({"a": 30.0, "b": 10.0}, PER_MINUTE_600)
    assert found.level is Level.WARNING
    assert "2,400 records a minute arrived, and 600/min can be sent: if more than 25%" in found.what


@pytest.mark.parametrize("rate", [PER_MINUTE_600, None])
def test_what_fits_the_rate_is_not_mentioned(rate: float | None) -> None:
    assert growth({"a": 9.0}, rate) == []
