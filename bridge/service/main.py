"""`track-bridge run`: one process from its configuration to its exit code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from bridge.config import environment, kafka_properties
from bridge.config.keys.problems import Problem
from bridge.config.sections import Config
from bridge.mapping.compile import CompiledMapping
from bridge.ops.log.logger import Logging, set_up
from bridge.service.bridge import Bridge, Exit
from bridge.service.preflight import prepare
from bridge.service.reload.candidate import ConfigurationFile

T = TypeVar("T")


def run(
    config: Config,
    mapping: CompiledMapping,
    *,
    warnings: Sequence[Problem] = (),
    proxy: str | None = None,
    path: Path | None = None,
) -> int:
    """Run until a signal; returns the exit code. Raises `Misuse` and `Unreachable` for a start that is refused.

    `path` is the file that the configuration is from; without it none is taken over while it runs.
    """
    log = set_up(
        level=config.observability.log_level,
        log_format=config.observability.log_format,
        secrets=secrets_of(config, proxy),
        terminal=sys.stdout.isatty(),
    )
    for warning in warnings:
        log.logger.warning("configuration", key=warning.where, message=warning.message)
    try:
        file = None if path is None else ConfigurationFile(path, environment.variables())
        return on_loop(_run(config, mapping, log, proxy, file)).code
    finally:
        log.close()


def on_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where it is installed: the same semantics at two thirds of the cost."""
    try:
        import uvloop  # noqa: PLC0415 - optional, and not there on Windows
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def secrets_of(config: Config, proxy: str | None = None) -> list[str]:
    """What no log line may show; `proxy` is the URL of the environment's proxy, which may hold a password."""
    secrets = [
        value
        for properties in (config.kafka.properties, config.dead_letter.properties)
        for name, value in properties.items()
        if kafka_properties.is_secret(name)
    ]
    if config.track.api_key is not None:
        secrets.append(config.track.api_key.get_secret_value())
    password = _password_in(proxy or "")
    return [*secrets, password, unquote(password)]


def _password_in(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:  # no URL at all, which is refused before it is used
        return ""


async def _run(
    config: Config, mapping: CompiledMapping, log: Logging, proxy: str | None, file: ConfigurationFile | None
) -> Exit:
    bridge = Bridge(config, mapping, log, proxy=proxy, prepare=prepare, file=file)
    bridge.handle_signals()
    return await bridge.run()
