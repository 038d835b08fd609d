"""What commands share at their start: finding, reading and compiling the configuration, or saying all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from logging import Logger, NullHandler, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge import commands
from bridge.errors import Misuse, Unreachable
from bridge.text.amounts import per_minute, plural

if TYPE_CHECKING:
    from bridge.config.keys.problems import Problem
    from bridge.config.load import Loaded
    from bridge.config.sections import Config, SchemaRegistry
    from bridge.kafka.admin.inspection import Cluster, Inspection
    from bridge.mapping.mapper import CompiledMapping
    from bridge.registry.commands import CommandSchemas
    from bridge.track.credentials import ApiKey


RATE_HELP = "Of delivery.rate_limit: 20%, 100%, or a rate such as 60/min; running bridges use the rest."
PATIENCE = 5.0
"""Seconds the brokers may take to answer a question while a person waits."""


def nearest(ctx: typer.Context, given: Path | None) -> Path | None:
    """`--config` may be typed before the command, too. Raises `Misuse` where two different ones are."""
    above = ctx.parent.params.get("config") if ctx.parent is not None else None
    if given is not None and above is not None and given != above:
        raise Misuse(f"--config is given twice, as {above} and as {given}: give the one that is meant.")
    return given or above


ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        callback=nearest,
        show_default=False,
        help="The configuration. Left out: $BRIDGE_CONFIG, else ./bridge.yaml, else /etc/track-bridge/bridge.yaml.",
    ),
]
"""The option `--config` of every command that needs a configuration."""


def is_configured(given: Path | None) -> bool:
    """Whether a configuration is named, or is where it is looked for."""
    from bridge.config import environment
    from bridge.config.keys.problems import ConfigError

    try:
        environment.config_file(given, environment.variables())
    except ConfigError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class LoadedConfiguration:
    """A configuration without problems."""

    path: Path
    config: Config
    mapping: CompiledMapping
    warnings: tuple[Problem, ...]
    proxy: str | None = field(repr=False)
    """The URL of the proxy that the environment sets for the API; may hold a password."""
    loaded: Loaded = field(repr=False)
    """What it was read to, with the place of each key."""


def load_to_read(
    given: Path | None,
    schemas: Sequence[str] | None,
    *,
    offline: bool = False,
    needs_key: bool = True,
    reaches_api: bool = True,
    supplied: Mapping[str, str] | None = None,
) -> LoadedConfiguration:
    """As `load`, for a command that reads records; `schemas` are its options ``--schema``."""
    from bridge.registry.commands import open_schemas

    return load(
        given,
        lambda section: open_schemas(schemas, None if offline else section),
        needs_key=needs_key,
        reaches_api=reaches_api,
        supplied=supplied,
    )


def load(
    given: Path | None,
    open_schemas: Callable[[SchemaRegistry | None], CommandSchemas] | None = None,
    *,
    needs_key: bool = True,
    reaches_api: bool = True,
    supplied: Mapping[str, str] | None = None,
) -> LoadedConfiguration:
    """Read and compile the configuration. Raises `Refused` with all its problems.

    Without `needs_key` it may be one without an API key; without `reaches_api` endpoint and key may be variables that
    are not set. `supplied` stands for variables that the environment does not have.
    """
    commands.configured_by(None if given is None else str(given))
    from bridge.config import environment, load
    from bridge.config.keys.problems import ConfigError
    from bridge.mapping.compile import compile_mapping
    from bridge.mapping.destination import destination_of
    from bridge.mapping.mapper import CompiledMapping

    environ = {**(supplied or {}), **environment.variables()}
    try:
        path = environment.config_file(given, environ)
    except ConfigError as nowhere:
        raise Refused(str(nowhere), nowhere.problems) from nowhere
    loaded = load.read(path, environ, needs_key=needs_key, reaches_api=reaches_api)
    compiled: CompiledMapping | tuple[Problem, ...] = ()
    destination = destination_of(None if loaded.config is None else loaded.config.track)
    if loaded.mapping is not None and open_schemas is not None and loaded.config is not None:
        from bridge.registry.commands import CommandMapping

        schemas = open_schemas(loaded.config.schema_registry)
        compiled = compile_mapping(loaded.mapping, schemas, CommandMapping, destination=destination)
    elif loaded.mapping is not None:
        compiled = compile_mapping(loaded.mapping, destination=destination)
    refused, doubtful = _asked_of_the_client(loaded)
    if loaded.config is not None and isinstance(compiled, CompiledMapping) and not refused:
        proxy = environment.proxy_for(loaded.config.track.endpoint, environ)
        return LoadedConfiguration(path, loaded.config, compiled, (*loaded.warnings, *doubtful), proxy, loaded)
    uncompiled = () if isinstance(compiled, CompiledMapping) else loaded.located(compiled)
    raise refusal(path, (*loaded.problems, *refused, *uncompiled))


def _asked_of_the_client(loaded: Loaded) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Problems and warnings of librdkafka properties, by librdkafka itself; it is loaded only where there are any."""
    if not any(loaded.properties.values()):
        return (), ()
    from bridge.config.keys.problems import Problem
    from bridge.kafka import client_properties

    refused, doubtful = (
        loaded.located(
            Problem(f"{section}.properties.{name}", sentence)
            for section, properties in loaded.properties.items()
            for name, sentence in ask(properties)
        )
        for ask in (client_properties.problems, client_properties.warnings)
    )
    return refused, doubtful


def api_key(start: LoadedConfiguration) -> ApiKey:
    """The key, read from its file where it is in one. Raises `Refused` for one that cannot be used."""
    from bridge.config.keys.problems import Problem
    from bridge.track.build import build_credentials
    from bridge.track.credentials import KeyFileError

    try:
        return build_credentials(start.config.track)
    except KeyFileError as unusable:
        raise refusal(start.path, [Problem("track.api_key_file", str(unusable))]) from unusable


def connect(start: LoadedConfiguration) -> tuple[Inspection, Cluster]:
    """The brokers, ready for questions. Raises `Misuse` for bad properties, `Unreachable` where none answers."""
    from bridge.kafka.admin.inspection import Inspection
    from bridge.kafka.admin.obstacles import NotConnectedError
    from bridge.kafka.client import ClientRefusedError

    kafka = start.config.kafka
    try:
        inspection = Inspection(kafka, quiet_logger(), patience=PATIENCE)
        return inspection, inspection.connect()
    except ClientRefusedError as refused:
        raise Misuse(f"{start.path}: {refused}") from refused
    except NotConnectedError as error:
        raise Unreachable(f"Cannot connect to any broker in {kafka.bootstrap_servers}: {error}.") from error


def requests_per_second(text: str, limit: float | None) -> float:
    """Requests per second of ``--rate``; 0.0 where the limit is lifted and a share means nothing. Raises `Misuse`."""
    from bridge.config.keys import scalars

    try:
        wanted = (limit or 0.0) * scalars.share(text) if text.endswith("%") else scalars.rate(text)
    except ValueError as problem:
        raise Misuse(f"--rate {problem}, or a percentage of delivery.rate_limit such as 20%.") from problem
    if limit is not None and (wanted is None or not 0 < wanted <= limit):
        raise Misuse(f"--rate must be above zero and at most delivery.rate_limit ({per_minute(limit)}), not {text}.")
    return wanted or 0.0


def quiet_logger() -> Logger:
    """For the Kafka client: what matters of its log comes back as errors, the rest would come between the answers."""
    logger = getLogger("bridge.cli")
    logger.addHandler(NullHandler())
    logger.propagate = False
    return logger


class Refused(Misuse):
    """The configuration has problems."""

    def __init__(self, message: str, problems: Sequence[Problem]) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def refusal(path: Path, problems: Sequence[Problem]) -> Refused:
    """All problems as one text: those of keys under the file's name, those of the file itself alone."""
    of_the_file = [problem for problem in problems if problem.where == str(path)]
    of_keys = [problem for problem in problems if problem.where != str(path)]
    lines = [str(problem) for problem in of_the_file]
    if of_keys:
        lines += [f"{path}: {plural(len(of_keys), 'problem')}", *(f"  {problem}" for problem in of_keys)]
    return Refused("\n".join(lines), problems)
