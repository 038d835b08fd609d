"""Dead letters of schemas that the registry did not know: which of these it knows by now. Asked slowly, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeVar

from bridge.decode.protocol import Schema

if TYPE_CHECKING:
    from bridge.registry.lookups import RegistryLookups

T = TypeVar("T")

FIRST_PAUSE: Final = 60.0
LONGEST_PAUSE: Final = 1800.0
"""Seconds between two looks at the dead letters: twice as many each time, as long as nothing comes of them. Not less
than `registry.known.NEGATIVE_FOR`, within which the registry is not asked again."""
MOST: Final = 100
"""Schemas that are asked for in one look. Those behind them have their turn when some of these are known."""
SCHEMAS_OF_ONE: Final = 2
"""Of a record: its value's and its key's, of which the second is only wanted once the first is known."""
PATIENCE: Final = 90.0
"""Seconds for all of them. A registry that is away is not waited for: the dead letters wait as well without that."""


class LateSchemas:
    """When to look, and what is known then. On the loop's thread."""

    def __init__(self, registry: RegistryLookups, *, sends: bool = True) -> None:
        """`sends`: whether the letters of unknown schemas are to be sent again, or those of other reasons only."""
        self._registry = registry
        self._sends = sends
        # An earlier process may have left letters whose schema is there by now.
        self._due: float | None = 0.0 if sends else None
        self._fruitless = 0
        """Looks in a row of which nothing came."""
        self.is_asking = False
        """Whether the registry is waited for, and nothing else."""
        self._known: set[str] = set()
        self._asked: set[str] = set()

    def letter(self, now: float) -> None:
        """One was written; the look at it need not come at once."""
        if self._sends and self._due is None:
            self._fruitless = 0
            self._due = now + FIRST_PAUSE

    def is_due(self, now: float) -> bool:
        """Whether it is time to look at the dead letters."""
        return self._due is not None and now >= self._due

    def begin(self) -> None:
        """A look begins: what was not known before may be now."""
        self._known.clear()
        self._asked.clear()

    def end(self, now: float, *, replayed: bool, waiting: bool) -> None:
        """It is over. `waiting`: whether there are letters whose schema is not known."""
        self._fruitless = 0 if replayed else self._fruitless + 1
        self._due = now + pause_after(self._fruitless) if waiting else None

    async def known(self, references: Iterable[str | None]) -> frozenset[str]:
        """Those of these that the registry has; each is asked for once in a look."""
        wanted = {each for each in references if each is not None}
        new = sorted(wanted - self._asked)[: max(0, MOST - len(self._asked))]
        self._asked.update(new)
        self._known.update(await self._look_up(new))
        return frozenset(wanted & self._known)

    async def mappable(self, those: list[T], needed: Callable[[T], str | None]) -> tuple[list[T], bool]:
        """Those that lack no schema any more, and whether a schema was missing: of these, or of what is left out.

        `needed` says which schema one lacks before it can be mapped; it is called on another thread.
        """
        ready, missing = [], False
        for _ in range(SCHEMAS_OF_ONE):
            lacking = await asyncio.to_thread(lambda left: [(each, needed(each)) for each in left], those)
            ready += [each for each, reference in lacking if reference is None]
            those = [each for each, reference in lacking if reference is not None]
            if not those:
                return ready, missing
            wanted = {reference for _, reference in lacking if reference is not None}
            missing = len(await self.known(wanted)) < len(wanted) or missing
        lacking = await asyncio.to_thread(lambda left: [(each, needed(each)) for each in left], those)
        return ready + [each for each, reference in lacking if reference is None], missing

    async def _look_up(self, references: Iterable[str]) -> set[str]:
        schemas = self._registry.schemas
        asked = [each for each in references if not isinstance(schemas.get(each), Schema)]
        answered = {each: asyncio.Event() for each in asked}
        unwant = [self._registry.want(each, event.set) for each, event in answered.items()]
        self.is_asking = True
        try:
            async with asyncio.timeout(PATIENCE):
                for event in answered.values():
                    await event.wait()
        except TimeoutError:
            pass
        finally:
            self.is_asking = False
            for take_back in unwant:
                take_back()
        return {each for each in references if isinstance(schemas.get(each), Schema)}


def pause_after(fruitless: int) -> float:
    """Seconds until the next look, after so many in a row of which nothing came."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(fruitless, 10))
