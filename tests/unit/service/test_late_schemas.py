"""Dead letters of unknown schemas: the registry is asked for them slowly, once each, and never waited for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from bridge.decode.protocol import NoSchema, Schema, Schemas
from bridge.service.with_registry import late_schemas
from bridge.service.with_registry.late_schemas import FIRST_PAUSE, LONGEST_PAUSE, MOST, LateSchemas

SCHEMA = Schema("avro", '"string"')


class Registry:
    """Answers at once what it has, and never what it is silent about."""

    def __init__(self) -> None:
        self.has: dict[str, Schema | NoSchema] = {}
        self.learned: dict[str, Schema | NoSchema] = {}
        self.wanted: list[str] = []
        self.taken_back = 0

    @property
    def schemas(self) -> Schemas:
        return self.learned

    def want(self, reference: str, on_known: Callable[[], None], /) -> Callable[[], None]:
        self.wanted.append(reference)

        def answer() -> None:
            self.learned[reference] = self.has[reference]
            on_known()

        if reference in self.has:
            asyncio.get_running_loop().call_soon(answer)
        return self._take_back

    def _take_back(self) -> None:
        self.taken_back += 1


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def late(registry: Registry) -> LateSchemas:
    return LateSchemas(cast("Any", registry))


async def test_only_what_the_registry_knows_by_now_is_meant(registry: Registry, late: LateSchemas) -> None:
    registry.has = {"id:1": SCHEMA, "id:2": NoSchema("it does not know it")}
    late.begin()
    assert await late.known(["id:1", "id:2", None, "id:1"]) == {"id:1"}
    assert registry.wanted == ["id:1", "id:2"]


async def test_each_is_asked_for_once_in_a_look_and_again_in_the_next(registry: Registry, late: LateSchemas) -> None:
    registry.has = {"id:2": NoSchema("it does not know it")}
    late.begin()
    assert await late.known(["id:2"]) == await late.known(["id:2"]) == frozenset()
    assert registry.wanted == ["id:2"]
    registry.has = {"id:2": SCHEMA}
    late.begin()
    assert await late.known(["id:2"]) == {"id:2"}


async def test_what_is_known_already_costs_no_request(registry: Registry, late: LateSchemas) -> None:
    registry.learned = {"id:1": SCHEMA}
    late.begin()
    assert await late.known(["id:1"]) == {"id:1"}
    assert registry.wanted == []


async def test_a_registry_that_is_away_is_not_waited_for(
    registry: Registry, late: LateSchemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_schemas, "PATIENCE", 0.01)
    registry.has = {"id:1": SCHEMA}
    late.begin()
    assert await late.known(["id:1", "id:2"]) == {"id:1"}
    assert registry.taken_back == 2


async def test_no_look_asks_for_more_schemas_than_its_bound(registry: Registry, late: LateSchemas) -> None:
    registry.has = {f"id:{n}": SCHEMA for n in range(1000)}
    late.begin()
    assert len(await late.known(f"id:{n}" for n in range(1000))) == MOST
    assert len(registry.wanted) == MOST


def test_looks_become_rarer_while_nothing_comes_of_them_and_end_where_nothing_waits(late: LateSchemas) -> None:
    assert late.is_due(0.0), "an earlier process may have left some"
    now, pauses = 0.0, []
    for _ in range(12):
        late.end(now, replayed=False, waiting=True)
        pause = next(second for second in range(10_000) if late.is_due(now + second))
        pauses.append(pause)
        now += pause
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
    late.end(now, replayed=True, waiting=False)
    assert not late.is_due(now + 1e9)
    late.letter(now)
    assert not late.is_due(now)
    assert late.is_due(now + FIRST_PAUSE)


def needed_of(registry: Registry, *names: str) -> Callable[[int], str | None]:
    """Every record has these, one after the other."""
    return lambda _record: next((name for name in names if name not in registry.learned), None)


async def test_what_a_record_lacks_is_looked_up_its_value_and_then_its_key(
    registry: Registry, late: LateSchemas
) -> None:
    registry.has = {"id:1": SCHEMA, "id:2": SCHEMA}
    late.begin()
    assert await late.mappable([7, 8], needed_of(registry, "id:1", "id:2")) == ([7, 8], False)
    assert registry.wanted == ["id:1", "id:2"]


async def test_records_that_lack_nothing_cost_no_request(registry: Registry, late: LateSchemas) -> None:
    late.begin()
    assert await late.mappable([7], lambda _record: None) == ([7], False)
    assert registry.wanted == []


async def test_what_a_silent_registry_leaves_missing_is_left_out_and_said(
    registry: Registry, late: LateSchemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_schemas, "PATIENCE", 0.01)
    registry.has = {"id:1": SCHEMA}
    late.begin()
    assert await late.mappable([7], needed_of(registry, "id:1", "id:2")) == ([], True)


async def test_what_the_registry_does_not_know_is_said_to_be_missing(registry: Registry, late: LateSchemas) -> None:
    registry.has = {"id:1": NoSchema("it does not know it")}
    late.begin()
    assert await late.mappable([7], needed_of(registry, "id:1")) == ([7], True)


def test_without_letters_of_unknown_schemas_to_send_it_is_never_due(registry: Registry) -> None:
    late = LateSchemas(cast("Any", registry), sends=False)
    late.letter(0.0)
    assert not late.is_due(1e9)
