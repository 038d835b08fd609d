from __future__ import annotations

import pytest

from bridge.config.sections import Kafka
from bridge.kafka import client, commit_timing
from bridge.kafka.consumer.poll_loop import POLL
from tests.support.kafka import contexts


@pytest.mark.parametrize("interval", [Kafka.model_fields["commit_interval"].default, 0.2, 1.0, 5.0])
def test_what_is_done_is_committed_within_one_commit_interval(interval: float) -> None:
    """`REST` is no part of it: a poll is that long only after a second without an open record and without a wish."""
    assert commit_timing.offer_after(interval) + POLL + commit_timing.commit_every(interval) <= interval + 1e-9


def test_the_client_commits_by_itself_as_often_as_offset_maps_are_committed() -> None:
    configuration = client.consumer_configuration(contexts.kafka(commit_interval="1s"))
    assert configuration["auto.commit.interval.ms"] == 1000 * commit_timing.commit_every(1.0)
