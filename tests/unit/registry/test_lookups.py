from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import pytest

from bridge.decode.protocol import NoSchema, Schema
from bridge.registry.known import NEGATIVE_FOR
from bridge.registry.lookups import AT_ONCE, RegistryLookups
from bridge.registry.outcomes import LookupResult, RegistryFailure, UnknownReference
from bridge.registry.policy import Attempt
from tests.support.registry.jumping import run

SCHEMA: Final = Schema("avro", '"string"')
DOWN: Final = RegistryFailure(LookupResult.CONNECTION, "no connection to http://registry: Connection refused")
LOGIN: Final = RegistryFailure(LookupResult.LOGIN, "http://registry refuses the login")
UNKNOWN: Final = UnknownReference("schema id 42")


class Scripted:
    """A source that answers as it is told; the last answer of a reference is repeated."""

    urls = ("http://registry",)

    def __init__(self, *answers: Attempt) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.under_way = self.most = self.requests = 0
        self.new_credentials = False
        self.hold = asyncio.Event()
        self.hold.set()

    async def fetch(self, reference: str) -> tuple[Schema, str]:
        self.asked.append(reference)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.hold.wait()
        finally:
            self.under_way -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Schema):
            return answer, self.urls[0]
        raise answer

    def credentials_changed(self) -> bool:
        return self.new_credentials


Scene = Callable[[Scripted, RegistryLookups], Coroutine[Any, Any, None]]


def play(scene: Scene, *answers: Attempt) -> None:
    async def played() -> None:
        source = Scripted(*answers)
        clock = asyncio.get_running_loop().time
        lookups = RegistryLookups(source, unknown_after=60.0, clock=clock, luck=lambda: 0.0)
        await scene(source, lookups)
        await lookups.aclose()

    run(played())


async def known(lookups: RegistryLookups, reference: str = "id:42") -> Schema | NoSchema:
    event = asyncio.Event()
    lookups.want(reference, event.set)
    await event.wait()
    return lookups.schemas[reference]


def test_however_many_want_a_schema_it_is_asked_for_once_and_each_is_told_once() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        told: list[int] = []
        for number in range(100):
            lookups.want("id:42", lambda number=number: told.append(number))  # type: ignore[misc]
        assert told == []  # never from inside
        assert lookups.trouble("id:42") is None
        await known(lookups)
        assert sorted(told) == list(range(100))
        assert source.asked == ["id:42"]

    play(scene, SCHEMA)


def test_what_is_known_is_never_asked_for_again() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        await known(lookups)
        await asyncio.sleep(1_000_000)
        assert await known(lookups) == SCHEMA
        assert source.asked == ["id:42"]

    play(scene, SCHEMA)


def test_an_outage_of_days_ends_by_itself_and_is_told_while_it_lasts() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        begun = asyncio.get_running_loop().time()
        waiting = asyncio.create_task(known(lookups))
        await asyncio.sleep(200_000)
        trouble = lookups.trouble("id:42")
        assert trouble is not None
        assert (trouble.kind, trouble.what, trouble.registry) == (
            LookupResult.CONNECTION,
            DOWN.sentence,
            source.urls[0],
        )
        assert trouble.since == pytest.approx(begun, abs=1)
        assert trouble.next_try is not None
        assert 0 <= trouble.next_try - asyncio.get_running_loop().time() <= 60
        shown = lookups.snapshot()
        assert (shown.state, shown.problem, shown.kind) == ("trouble", DOWN.sentence, LookupResult.CONNECTION)
        assert shown.waiting == ("id:42",)
        assert shown.since == pytest.approx(begun, abs=1)
        source.answers = [SCHEMA]
        assert await asyncio.wait_for(waiting, 61) == SCHEMA
        shown = lookups.snapshot()
        assert (shown.state, shown.problem, shown.known, shown.waiting) == ("ok", None, 1, ())
        assert shown.lookups[LookupResult.FOUND] == 1
        assert shown.lookups[LookupResult.CONNECTION] == len(source.asked) - 1
        assert lookups.trouble("id:42") is None

    play(scene, DOWN)


def test_what_one_look_up_finds_out_serves_all_that_wait() -> None:
    """The registry is back: nobody waits out a minute of his own."""

    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        waiting = [asyncio.create_task(known(lookups, f"id:{number}")) for number in range(1, 4)]
        await asyncio.sleep(500)
        source.answers = [SCHEMA]
        await known(lookups, "id:9")
        await asyncio.wait_for(asyncio.gather(*waiting), 0.1)

    play(scene, DOWN)


def test_an_unknown_id_is_decided_after_a_minute_and_asked_for_again_by_who_comes_later() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        assert await known(lookups) == NoSchema("the registry does not know schema id 42")
        assert clock() - begun == pytest.approx(60, abs=1)
        asked = len(source.asked)
        assert "id:42" in lookups.schemas
        assert isinstance(await known(lookups), NoSchema)
        assert len(source.asked) == asked + 1, "who wants it all the same hopes that the registry knows it by now"
        assert clock() - begun < 62
        asked += 1
        await asyncio.sleep(NEGATIVE_FOR)
        assert "id:42" not in lookups.schemas
        begun = clock()
        assert isinstance(await known(lookups), NoSchema)
        assert clock() - begun < 1, "a second minute was waited for it"
        assert len(source.asked) == asked + 1
        await asyncio.sleep(NEGATIVE_FOR)
        source.answers = [SCHEMA]
        assert await known(lookups) == SCHEMA
        await asyncio.sleep(10 * NEGATIVE_FOR)
        assert lookups.schemas["id:42"] == SCHEMA

    play(scene, UNKNOWN)


def test_new_credentials_are_tried_at_once() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        waiting = asyncio.create_task(known(lookups))
        await asyncio.sleep(1000)
        source.answers, source.new_credentials = [SCHEMA], True
        assert await asyncio.wait_for(waiting, 3) == SCHEMA

    play(scene, LOGIN)


def test_who_gives_a_partition_up_is_not_told_and_the_last_one_ends_the_look_up() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        told: list[str] = []
        first = lookups.want("id:42", lambda: told.append("first"))
        second = lookups.want("id:42", lambda: told.append("second"))
        await asyncio.sleep(100)
        first()
        first()
        assert lookups.snapshot().waiting == ("id:42",)
        second()
        assert lookups.snapshot().waiting == ()
        asked = len(source.asked)
        source.answers = [SCHEMA]
        await asyncio.sleep(1000)
        assert (len(source.asked), told) == (asked, [])
        assert await known(lookups) == SCHEMA

    play(scene, DOWN)


def test_hundreds_of_schemas_are_not_asked_for_all_at_once() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        source.hold.clear()
        waiting = [asyncio.create_task(known(lookups, f"id:{number}")) for number in range(1, 300)]
        await asyncio.sleep(0.1)
        assert source.under_way == AT_ONCE
        source.hold.set()
        await asyncio.gather(*waiting)
        assert source.most == AT_ONCE

    play(scene, SCHEMA)


def test_a_defect_in_a_look_up_is_told_and_tried_again() -> None:
    async def scene(source: Scripted, lookups: RegistryLookups) -> None:
        waiting = asyncio.create_task(known(lookups))
        await asyncio.sleep(0.1)
        trouble = lookups.trouble("id:42")
        assert trouble is not None
        assert trouble.what == "the look-up of id:42 failed in a way nobody thought of: ZeroDivisionError: oh"
        source.answers = [SCHEMA]
        assert await waiting == SCHEMA

    play(scene, ZeroDivisionError("oh"))  # type: ignore[arg-type]


def test_closing_tells_nobody() -> None:
    async def scene(_source: Scripted, lookups: RegistryLookups) -> None:
        told: list[int] = []
        lookups.want("id:42", lambda: told.append(1))
        await asyncio.sleep(1)
        await lookups.aclose()
        assert (told, lookups.snapshot().waiting) == ([], ())

    play(scene, DOWN)
