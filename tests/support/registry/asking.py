"""A registry's client as the configuration makes it, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.config.sections import SchemaRegistry
from bridge.decode.protocol import Schema
from bridge.registry.build import build_source
from bridge.registry.outcomes import RegistryFailure
from bridge.registry.source import RegistrySource


def source(*urls: str, environ: Mapping[str, str] | None = None, **section: Any) -> RegistrySource:
    return build_source(SchemaRegistry.model_validate({"urls": urls, "timeout": "1s", **section}), environ or {})


async def fetched(client: RegistrySource, reference: str) -> Schema:
    schema, _ = await client.fetch(reference)
    return schema


async def failure(client: RegistrySource, reference: str = "id:1") -> RegistryFailure:
    """The trouble that the registry is found in."""
    try:
        await client.fetch(reference)
    except RegistryFailure as found:
        return found
    raise AssertionError("the registry answered")
