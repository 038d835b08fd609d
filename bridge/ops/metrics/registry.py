"""The schema registry: how look-ups end, and how many schemas are known. All zero where none is configured."""

from __future__ import annotations

from bridge.ops.metrics.declare import Metric, Over, Samples, counted, counter, counters, gauge
from bridge.ops.snapshot import Snapshot

LOOKUPS = (
    "found",
    "unknown",
    "unusable",
    "connection",
    "timeout",
    "tls",
    "server_error",
    "rate_limited",
    "login",
    "wrong_address",
    "refused",
)
"""How a look-up ends, in the words of `bridge.registry`."""


def _lookups(snapshot: Snapshot) -> Samples:
    return counted({} if snapshot.registry is None else snapshot.registry.lookups, LOOKUPS)


METRICS: tuple[Metric, ...] = (
    counters(
        "schema_lookups_total",
        "lookups",
        "Attempts to look a schema up, by how they ended: found, unknown and unusable are answers of the registry, all"
        " others troubles in which records wait. None is made for a schema that is known.",
        ("result",),
        _lookups,
    ),
    counter(
        "schema_registry_requests_total",
        "requests",
        "HTTP requests to the schema registry; a look-up may take several.",
        lambda s: 0 if s.registry is None else s.registry.requests,
    ),
    counter(
        "schemas_from_cache_total",
        "schemas",
        "Schemas that were read from schema_registry.cache_dir instead of being looked up.",
        lambda s: 0 if s.registry is None else s.registry.from_folder,
    ),
    gauge(
        "known_schemas",
        "schemas",
        "Schemas in memory; no request is made for them.",
        lambda s: 0 if s.registry is None else s.registry.known,
        Over.MAX,
    ),
    gauge(
        "awaited_schemas",
        "schemas",
        "Schemas that partitions of this replica wait for at this moment.",
        lambda s: 0 if s.registry is None else len(s.registry.waiting),
        Over.MAX,
    ),
    gauge(
        "schema_registry_trouble",
        "0 or 1",
        "1 while the last look-up met a trouble of the registry. That alone holds nothing: schemas that are known are"
        " used on.",
        lambda s: s.registry is not None and s.registry.state == "trouble",
        Over.MAX,
    ),
)
