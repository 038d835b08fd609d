"""Fifteen things that go wrong in a group of three: every view of the group tells the same of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.conftest import KafkaFactory
from tests.integration.fleet.shown import keep, opened_in_top, shown, words
from tests.integration.fleet.table import BY_NAME, GroupSituation
from tests.integration.fleet.three import Three, told
from tests.support.kafka.client import Kafka

EARLY = 5.0
"""Seconds that a `since` may lie before the cause: a record that waits was written before it."""


@pytest.mark.parametrize("name", [name for name, each in BY_NAME.items() if not each.own_kafka])
async def test_all_views_of_the_group_tell_the_same(kafka: Kafka, tmp_path: Path, name: str) -> None:
    await views_agree(BY_NAME[name], kafka, tmp_path)


@pytest.mark.parametrize("name", [name for name, each in BY_NAME.items() if each.own_kafka])
async def test_they_do_where_the_broker_itself_is_what_fails(
    own_kafka: KafkaFactory, tmp_path: Path, name: str
) -> None:
    await views_agree(BY_NAME[name], own_kafka(), tmp_path)


async def views_agree(situation: GroupSituation, kafka: Kafka, folder: Path) -> None:
    async with Three(kafka, folder, properties=situation.properties, **situation.sections) as here:
        here.caused()
        await situation.cause(here)

        def is_told(view: object) -> bool:
            found = told(view, situation.reason)  # type: ignore[arg-type] # it is a FleetView
            return found is not None and any(re.search(situation.detail, each) for each in found.details)

        view = await here.until("it is told", is_told)
        found = told(view, situation.reason)
        assert found is not None
        assert found.needs_someone is situation.needs_someone
        assert re.search(situation.action, found.action), found.action
        if situation.has_since:
            assert found.since is not None
            assert found.since >= here.caused_at - EARLY
        assert (found.until or found.next_try or 0.0) >= (view.at if situation.has_time else 0.0) - 5.0
        views = await shown(view, here.config)
        keep(situation.name, views)
        for name, text in views.items():
            said = words(text)
            asked = [situation.lost, re.escape(situation.reason).replace("_", "[_ ]")]
            if not name.startswith("top"):  # its first screen has the beginning of them, and a row that opens
                asked += [situation.detail, situation.action]
            for what in asked:
                assert re.search(what, said), f"{name} does not say {what!r}:\n{said}"
        opened = words(opened_in_top(view, found))
        for what in (situation.detail, situation.action):
            assert re.search(what, opened), f"the row of top does not say {what!r}:\n{opened}"
