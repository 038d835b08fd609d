"""The schemas that commands read records with: given with ``--schema``, kept in `cache_dir`, or asked for when needed.

A running bridge continues with other partitions meanwhile; a command waits, and ends where nobody answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bridge.decode.protocol import NoSchema, Schema, Schemas
from bridge.errors import Misuse, Unreachable
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.rules import RoutingRules
from bridge.mapping.settings import MappedTopicSettings
from bridge.model import Outcomes, Record, SchemaNeeded

if TYPE_CHECKING:
    from bridge.config.sections import SchemaRegistry
    from bridge.registry.offline import ResolvingSchemas

PATIENCE: Final = 15.0
"""Seconds that one look-up may take while a person waits, all addresses of the registry together."""


class CommandSchemas(Mapping[str, Schema | NoSchema]):
    """See `Schemas`. Whatever is asked for is looked up at once, by the first who asks."""

    def __init__(self, given: Mapping[str, Schema], open_registry: Callable[[], ResolvingSchemas] | None) -> None:
        """The registry is opened for the first record that needs it: most commands never do."""
        self.trouble: Misuse | Unreachable | None = None
        """Why a reference is not known that was asked for: nobody is asked after that."""
        self._given = given
        self._open = open_registry
        self._registry: ResolvingSchemas | None = None

    def __getitem__(self, reference: str) -> Schema | NoSchema:
        given = self._given.get(reference)
        if given is not None:
            return given
        if self._open is None:
            return NoSchema(_without_registry(reference))
        if self.trouble is not None:
            raise KeyError(reference)
        try:
            if self._registry is None:
                self._registry = self._open()
            return self._registry.get(reference) or _resolve(self._registry, reference)
        except Misuse as trouble:
            self.trouble = trouble
            raise KeyError(reference) from trouble
        except Unreachable as trouble:
            self.trouble = Unreachable(
                f"{str(trouble).rstrip('.')}. {_shown(reference).capitalize()} is needed to read a record: try again "
                f"later, or give it with {_option(reference)}."
            )
            raise KeyError(reference) from trouble

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


class CommandMapping(CompiledMapping):
    """A mapping whose schemas are looked up as they are needed: no record is left to wait for one."""

    def __init__(self, settings: MappedTopicSettings, rules: RoutingRules, schemas: Schemas) -> None:
        super().__init__(settings, rules, schemas)
        self._command_schemas = schemas

    def map(self, record: Record, now: float) -> Outcomes:
        """See `CompiledMapping.map`. Raises `Unreachable` where the registry that is needed does not answer."""
        outcomes = super().map(record, now)
        if outcomes[0].__class__ is SchemaNeeded:
            schemas = self._command_schemas
            if isinstance(schemas, CommandSchemas) and schemas.trouble is not None:
                raise schemas.trouble
        return outcomes


def open_schemas(options: Sequence[str] | None, section: SchemaRegistry | None) -> CommandSchemas:
    """What a command knows of schemas. Raises `Misuse` for files that hold none, and for an id that is given twice."""
    given: dict[str, Schema] = {}
    if options:
        from bridge.registry.offline import read_schema_options  # noqa: PLC0415 - loads HTTP, which few commands need

        given = read_schema_options(options)
    return CommandSchemas(given, None if section is None else lambda: _opened(section))


def _opened(section: SchemaRegistry) -> ResolvingSchemas:
    from bridge.config import environment  # noqa: PLC0415 - as above
    from bridge.registry.offline import open_schemas as open_those_of  # noqa: PLC0415 - as above

    return open_those_of(section, environment.variables(), {})


def _resolve(registry: ResolvingSchemas, reference: str) -> Schema | NoSchema:
    """On a thread of its own: whoever maps a record may do so on the thread of a loop."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as above

    with ThreadPoolExecutor(1, "registry") as thread:
        return thread.submit(registry.resolve, reference, PATIENCE).result()


def _without_registry(reference: str) -> str:
    return (
        f"{_shown(reference)} is not known here: give it with {_option(reference)}, or set schema_registry in the "
        "configuration"
    )


def _shown(reference: str) -> str:
    kind, _, key = reference.partition(":")
    names = {"id": "schema id", "guid": "schema GUID", "glue": "schema version"}
    return f"{names[kind]} {key}" if kind in names else f"schema {reference}"


def _option(reference: str) -> str:
    kind, _, key = reference.partition(":")
    return f"--schema {key if kind in {'id', 'guid'} else reference}=FILE"
