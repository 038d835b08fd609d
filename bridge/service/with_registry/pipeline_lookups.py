"""Between the pipeline, which wants schemas, and the registry's look-ups; and what a bridge without a registry has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bridge.config import environment
from bridge.config.sections import Config
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import destination_of
from bridge.pipeline.ports import LookupReceipts

if TYPE_CHECKING:
    from bridge.registry.lookups import RegistryLookups


class PipelineLookups:
    """`pipeline.ports.SchemaLookups` for the running service."""

    def __init__(self, registry: RegistryLookups, receipts: LookupReceipts) -> None:
        self._registry = registry
        self._receipts = receipts
        self._unwant: dict[str, Callable[[], None]] = {}

    def want(self, reference: str, /) -> None:
        """See `pipeline.ports.SchemaLookups`."""
        self._unwant[reference] = self._registry.want(reference, partial(self._known, reference))

    def forget(self, reference: str, /) -> None:
        """See `pipeline.ports.SchemaLookups`."""
        unwant = self._unwant.pop(reference, None)
        if unwant is not None:
            unwant()

    def _known(self, reference: str) -> None:
        self._unwant.pop(reference, None)
        self._receipts.looked_up(reference)


def registry_of(config: Config, warn: Callable[[str], None]) -> RegistryLookups | None:
    """Imported only where it is configured: without one nothing of it is in memory. Raises `Misuse`.

    `warn` is told sentences about `schema_registry.cache_dir`, from any thread, while the bridge runs.
    """
    if config.schema_registry is None:
        return None
    from bridge.registry.build import build_lookups  # noqa: PLC0415 - see above

    return build_lookups(config.schema_registry, environment.variables(), warn=warn)


def with_schemas(config: Config, registry: RegistryLookups) -> CompiledMapping:
    """The same mapping, which has no problems, and knows what the registry answers."""
    compiled = compile_mapping(config.mapping, registry.schemas, destination=destination_of(config.track))
    if not isinstance(compiled, CompiledMapping):
        raise TypeError(f"the mapping had no problems, and has some now: {compiled}")
    return compiled
