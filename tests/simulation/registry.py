"""A schema registry that is away at times, and has some schemas late or never; and what each process asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.ledger import Violation

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

UNKNOWN_AFTER: Final = 6.0
"""Seconds that a schema is asked for which the registry does not have."""
_EVERY: Final = 1.0


class Registry:
    def __init__(self, world: World, late: dict[int, float]) -> None:
        self._world = world
        self._late = late
        """By schema: seconds from the beginning at which it appears."""
        self.down = self.slow = False

    def has(self, schema: int, now: float) -> bool:
        return now >= self._late.get(schema, 0.0)


class Lookups:
    """Of one process, which forgets what it knew when it ends."""

    def __init__(self, process: Process, registry: Registry) -> None:
        self._process = process
        self._registry = registry
        self.known: dict[str, bool] = {}
        """By reference, whether it is a schema."""
        self._open: dict[str, float | None] = {}
        """What is looked up, and since when the registry says that it does not know it."""

    def want(self, reference: str, /) -> None:
        if reference in self._open:
            raise Violation(f"registry: {self._process.name} looks {reference} up twice at a time")
        self._open[reference] = None
        self._ask(reference)

    def forget(self, reference: str, /) -> None:
        del self._open[reference]

    def _ask(self, reference: str) -> None:
        takes = 2.0 if self._registry.slow else 0.02
        self._process.after(takes, self._answered, reference, self._registry.down)

    def _answered(self, reference: str, down: bool) -> None:  # noqa: FBT001 - what was so when it was asked
        if reference not in self._open:
            return
        process = self._process
        if down or self._registry.down:
            process.after(_EVERY, self._ask, reference)
            return
        now = process.world.elapsed
        has = self._registry.has(int(reference.removeprefix("id:")), now)
        since = self._open[reference]
        if not has and (since is None or now - since < UNKNOWN_AFTER):
            self._open[reference] = now if since is None else since
            process.after(_EVERY, self._ask, reference)
            return
        del self._open[reference]
        self.known[reference] = has
        process.looked_up(reference)
