"""This replica's part of each budget that has a limit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.config import load
from bridge.config.sections import Config
from bridge.formats import declarations
from bridge.formats.declarations import Declaration
from bridge.model import TopicPartition
from bridge.pipeline.budget.governor import RateBudget
from bridge.pipeline.settings import DeliverySettings
from bridge.service.settings import delivery_settings
from bridge.service.watches.rate_view import RateView, shares_of
from tests.support.waiting import until
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)


class Group:
    """One partition, and nobody wants anything."""

    async def metadata(self) -> Mapping[TopicPartition, str]:
        return {}

    async def partitions(self) -> int:
        return 1


class Silent:
    """No event is expected."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


def rates(world: World) -> tuple[float | None, float | None]:
    return world.dispatcher.events_budget.pacer.rate, world.dispatcher.users_budget.pacer.rate


@pytest.mark.parametrize("events", [None, 10.0])
@pytest.mark.parametrize("users", [None, 5.0])
@pytest.mark.parametrize("shared", [False, True])
async def test_no_budget_stands_still_for_ever_whichever_have_a_limit(
    events: float | None, users: float | None, *, shared: bool
) -> None:
    world = World(
        DeliverySettings.model_construct(rate_limit=events, identify_rate_limit=users, shared_rate_limit=shared)
    )
    world.assign(P0)
    for budget in world.dispatcher.sending.budgets:
        budget.pacer.set_rate(RateBudget(budget.limit, world.now).pacer.rate, world.now)  # as a new process
    shares = shares_of(world.dispatcher, 1.0)
    assert world.settings.is_shared_out == bool(shares)
    view = RateView(world.dispatcher, shares, Group(), Silent(), Group())  # type: ignore[arg-type]  # never spoken to
    if shares:
        view.start()
    try:
        await until("each has its rate", lambda: 0.0 not in rates(world))
    finally:
        await view.stop()
    expected = (events, events if shared else users)
    for rate, limit in zip(rates(world), expected, strict=True):
        assert rate == (None if limit is None else pytest.approx(limit, rel=0.02))


class Replays(Group):
    """One wants half of what events have."""

    async def metadata(self) -> Mapping[TopicPartition, str]:
        return {TopicPartition("letters", 0): declarations.encode(Declaration("one", 5.0, 1))}


async def test_a_replay_takes_the_same_part_of_each_limit_and_leaves_the_rest() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=10.0, identify_rate_limit=4.0))
    world.assign(P0)
    view = RateView(world.dispatcher, shares_of(world.dispatcher, 1.0), Group(), Silent(), Replays())  # type: ignore[arg-type]  # never spoken to
    view.start()
    try:
        await until("each has its rate", lambda: 0.0 not in rates(world))
    finally:
        await view.stop()
    assert list(rates(world)) == pytest.approx([5.0, 2.0], rel=0.02)


def test_each_budget_has_the_share_of_its_own_limit() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=10.0, identify_rate_limit=5.0))
    shares = shares_of(world.dispatcher, 1.0)
    assert {budget: share.limit for budget, share in shares.items()} == {
        world.dispatcher.events_budget: 10.0,
        world.dispatcher.users_budget: 5.0,
    }


def config(folder: Path, *, events: str = "order.completed: {event_name: X}", unknown_users: str = "send") -> Config:
    file = folder / "bridge.yaml"
    file.write_text(
        f"""
kafka: {{bootstrap_servers: 'b:9092', group_id: g, topics: [orders]}}
track: {{endpoint: 'https://a.example', api_key: NX-1, unknown_users: {unknown_users}}}
dead_letter: {{topic: letters}}
delivery: {{rate_limit: unlimited}}
mapping: {{user_id: data.user, events: {{{events}}}}}
"""
    )
    found = load.read(file, {})
    assert found.config is not None, found.problems
    return found.config


@pytest.mark.parametrize(
    ("given", "only_events"),
    [
        ({}, True),
        ({"unknown_users": "identify"}, False),
        ({"events": "u: {identify: true}"}, False),
        ({"events": "u: [{event_name: X}, {company: {id: data.id}}]"}, False),
        ({"events": "u: {forget: true}, v: drop"}, True),
    ],
)
def test_the_rate_of_users_is_shared_out_only_where_anything_of_users_is_sent(
    tmp_path: Path, given: dict[str, str], *, only_events: bool
) -> None:
    settings = delivery_settings(config(tmp_path, **given))
    assert settings.only_events == only_events
    assert settings.is_shared_out != only_events
