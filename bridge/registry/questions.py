"""What a person wants to know of a registry: whether it answers, which it is, and what the newest schemas are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import Schema
from bridge.registry.build import build_source
from bridge.registry.outcomes import LookupResult, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.source import RegistrySource
from bridge.registry.transport.session import Session

_VERSIONS: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "confluent": (("/v1/metadata/version", "version"), ("/_health", "karapace_version")),
    "apicurio": (("/system/info", "version"),),
    "glue": (),
}
"""Where a registry of each type says its version, and under which name."""
_VERSION: Final = re.compile(r"[\w.+-]{1,40}")


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

    urls: Sequence[str]
    version: str | None = None
    """None where it does not say."""
    newest: Mapping[str, NewestSchema] | None = None
    """By topic; None where nothing could be asked."""
    failure: str | None = None
    """The sentence of the first trouble: nothing else was asked then."""
    refuses_login: bool = False


def ask(
    section: SchemaRegistry, environ: Mapping[str, str], topics: Sequence[str], *, patience: float
) -> RegistryAnswers:
    """Ask, for `patience` seconds each time. Not on a loop's thread. Raises `Misuse` as `build_source`."""
    source = build_source(section, environ)
    return asyncio.run(_ask(source, section.type, topics, patience))


async def _ask(source: RegistrySource, kind: str, topics: Sequence[str], patience: float) -> RegistryAnswers:
    newest: dict[str, NewestSchema] = {}
    for topic in topics:
        try:
            async with asyncio.timeout(patience):
                newest[topic] = await _newest(source, topic if kind == "glue" else f"{topic}-value")
        except TimeoutError:
            sentence = f"{', '.join(source.urls)} did not answer in {patience:g} s"
            return RegistryAnswers(source.urls, failure=sentence)
        except RegistryFailure as failure:
            refused = failure.kind is LookupResult.LOGIN
            return RegistryAnswers(source.urls, failure=failure.sentence, refuses_login=refused)
    return RegistryAnswers(source.urls, await _version(source, kind, patience), newest)


async def _newest(source: RegistrySource, subject: str) -> NewestSchema:
    try:
        reference, schema = await source.newest(subject)
    except UnknownReference as unknown:
        return NewestSchema(subject, why_not=f"the registry does not know {unknown.what}")
    except UnusableSchema as unusable:
        return NewestSchema(subject, why_not=unusable.why)
    return NewestSchema(subject, reference, schema)


async def _version(source: RegistrySource, kind: str, patience: float) -> str | None:
    """What it says of itself: no trouble where it does not."""

    async def look(session: Session) -> str | None:
        for path, name in _VERSIONS[kind]:
            reply = await session.get(path, {"Accept": "application/json"})
            try:
                found = orjson.loads(reply.body).get(name) if reply.status == 200 else None
            except (orjson.JSONDecodeError, AttributeError):
                continue
            if isinstance(found, str) and _VERSION.fullmatch(found):
                return found
        return None

    try:
        async with asyncio.timeout(patience):
            return await source.ask(look)
    except (TimeoutError, RegistryFailure):
        return None
