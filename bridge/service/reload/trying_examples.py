"""Whether the examples of a mapping hold, with the schemas that their records name looked up where a registry is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bridge.commands import command
from bridge.config.events.example_section import ExampleConfig
from bridge.config.keys.problems import Problem
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.examples import ExampleResult, run_examples
from bridge.model import SchemaNeeded
from bridge.text.amounts import plural

if TYPE_CHECKING:
    from bridge.registry.lookups import RegistryLookups

PATIENCE: Final = 15.0
"""Seconds for the schemas of all examples."""
ROUNDS: Final = 3
"""A record may need its value's schema, and then its key's."""


async def problems_of(
    mapping: CompiledMapping, examples: Sequence[ExampleConfig], registry: RegistryLookups | None
) -> list[Problem]:
    """One for each example that does not hold. Nothing of what an example holds is repeated."""
    results = await asyncio.to_thread(run_examples, mapping, examples)
    for _ in range(ROUNDS):
        wanted = _needed(results)
        if not wanted or registry is None or not await _look_up(wanted, registry):
            break
        results = await asyncio.to_thread(run_examples, mapping, examples)
    return [
        Problem(f"mapping.examples[{place}]", _sentence(result))
        for place, result in enumerate(results)
        if not result.passed
    ]


def _sentence(result: ExampleResult) -> str:
    needed = sorted(_needed([result]))
    if needed:
        return f"{result.name!r} needs the schema {needed[0]}, which the registry did not give in time"
    found = plural(len(result.differences), "difference")
    return f"{result.name!r} does not hold ({found}); `{command('test')}` with this file shows what is different"


def _needed(results: Sequence[ExampleResult]) -> set[str]:
    return {each.reference for result in results for each in result.outcomes if isinstance(each, SchemaNeeded)}


async def _look_up(references: set[str], registry: RegistryLookups) -> bool:
    """Whether all of them were answered in time."""
    answered = {each: asyncio.Event() for each in references}
    unwant = [registry.want(each, event.set) for each, event in answered.items()]
    try:
        async with asyncio.timeout(PATIENCE):
            for event in answered.values():
                await event.wait()
    except TimeoutError:
        return False
    finally:
        for take_back in unwant:
            take_back()
    return True
