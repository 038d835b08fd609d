"""In which form the demo's events stand in Kafka: as JSON, or as Avro whose schemas a registry beside it has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge.decode.protocol import NO_SCHEMAS, Schema, Schemas
from bridge.sandbox.avro import IDS, SCHEMAS, in_avro
from bridge.sandbox.registry import EmbeddedRegistry
from bridge.sandbox.sample import Sample


@dataclass(frozen=True, slots=True)
class Staging:
    """One run's events, and what the bridge must know to read them."""

    sample: Sample
    schemas: Schemas
    """What the replay reads the dead letters with."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """What is set over `sandbox/demo.yaml`."""
    registry: EmbeddedRegistry | None = None


@asynccontextmanager
async def as_json(sample: Sample) -> AsyncIterator[Staging]:
    """The events as the sample has them."""
    yield Staging(sample, NO_SCHEMAS)


@asynccontextmanager
async def as_avro(sample: Sample) -> AsyncIterator[Staging]:
    """The same events in Avro, behind ids of a registry that is not up yet."""
    texts = {topic: json.dumps(schema) for topic, schema in SCHEMAS.items()}
    async with EmbeddedRegistry(texts, IDS) as registry:
        registry.is_down = True
        environ = {
            "BRIDGE_MAPPING__DECODE": "avro",
            "BRIDGE_SCHEMA_REGISTRY__URLS": json.dumps([registry.url]),
        }
        schemas = {f"id:{number}": Schema("avro", texts[topic]) for topic, number in IDS.items()}
        yield Staging(in_avro(sample), schemas, environ, registry)
