"""What a person wants to know of a registry: whether it answers, which it is, and what the newest schemas are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import Schema
from bridge.registry.about import RegistryAbout
from bridge.registry.build import build_source
from bridge.registry.outcomes import LookupResult, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.source import RegistrySource


@dataclass(frozen=True, slots=True)
class RegistryTrouble:
    """Why something was not answered."""

    sentence: str
    is_login: bool = False
    """It does not take the login."""


@dataclass(frozen=True, slots=True)
class NewestSchema:
    """What the registry has newest for a topic's values."""

    subject: str
    reference: str | None = None
    schema: Schema | None = None
    why_not: str | None = None
    """A part of a sentence, where there is none."""


@dataclass(frozen=True, slots=True)
class RegistryAnswers:
    """All of it, as far as it was answered."""

    addresses: Sequence[RegistryAbout | RegistryTrouble]
    newest: Mapping[str, NewestSchema] = field(default_factory=dict)
    """By topic."""
    trouble: RegistryTrouble | None = None
    """Why not all of `newest` is there."""


def ask(
    section: SchemaRegistry, environ: Mapping[str, str], topics: Sequence[str], *, patience: float
) -> RegistryAnswers:
    """Ask, for `patience` seconds each time. Not on a loop's thread. Raises `Misuse` as `build_source`."""
    source = build_source(section, environ)
    return asyncio.run(_ask(source, section.type, topics, patience))


async def _ask(source: RegistrySource, kind: str, topics: Sequence[str], patience: float) -> RegistryAnswers:
    try:
        async with asyncio.timeout(patience * len(source.urls)):
            told = await source.about()
    except TimeoutError:
        return RegistryAnswers([RegistryTrouble(f"{', '.join(source.urls)} did not answer in {patience:g} s")])
    addresses = [_trouble(each) if isinstance(each, RegistryFailure) else each for each in told]
    newest: dict[str, NewestSchema] = {}
    if not any(isinstance(each, RegistryAbout) for each in addresses):
        return RegistryAnswers(addresses)
    for topic in topics:
        try:
            async with asyncio.timeout(patience):
                newest[topic] = await _newest(source, topic if kind == "glue" else f"{topic}-value")
        except TimeoutError:
            trouble = RegistryTrouble(f"the newest schema of {topic} did not come in {patience:g} s")
            return RegistryAnswers(addresses, newest, trouble)
        except RegistryFailure as failure:
            return RegistryAnswers(addresses, newest, _trouble(failure))
    return RegistryAnswers(addresses, newest)


def _trouble(failure: RegistryFailure) -> RegistryTrouble:
    return RegistryTrouble(failure.sentence, failure.kind is LookupResult.LOGIN)


async def _newest(source: RegistrySource, subject: str) -> NewestSchema:
    try:
        reference, schema = await source.newest(subject)
    except UnknownReference as unknown:
        return NewestSchema(subject, why_not=f"the registry does not know {unknown.what}")
    except UnusableSchema as unusable:
        return NewestSchema(subject, why_not=unusable.why)
    return NewestSchema(subject, reference, schema)
