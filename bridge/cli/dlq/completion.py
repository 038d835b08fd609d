"""What the shell offers for the values of selectors: from the one list of reasons, and from the configuration.

Nothing is asked but the file, and whatever is wrong with that is no matter of completion: then nothing is offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.config.load import Loaded


def reasons(incomplete: str) -> list[str]:
    """Of dead letters of a bridge."""
    from bridge.model import LetterReason

    return _beginning([reason.value for reason in LetterReason], incomplete)


def routes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Of the mapping, but for those that drop: of them there are no dead letters."""
    return _beginning(_of_configuration(ctx, _route_names), incomplete)


def types(ctx: typer.Context, incomplete: str) -> list[str]:
    """Event types that the mapping has a rule for, by their whole names."""
    return _beginning(_of_configuration(ctx, _type_names), incomplete)


def topics(ctx: typer.Context, incomplete: str) -> list[str]:
    """Those that are read by their whole names."""
    return _beginning(_of_configuration(ctx, _topic_names), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _of_configuration(ctx: typer.Context, names: Callable[[Loaded], Iterable[str]]) -> list[str]:
    try:
        from bridge.config import environment, load

        given: Path | None = ctx.params.get("config") or ctx.find_root().params.get("config")
        environ = environment.variables()
        return list(names(load.read(environment.config_file(given, environ), environ)))
    except Exception:  # noqa: BLE001 - whoever is typing wants no traceback between the words
        return []


def _route_names(loaded: Loaded) -> Iterable[str]:
    from bridge.mapping.compile import compile_mapping
    from bridge.mapping.mapper import CompiledMapping

    if loaded.mapping is None:
        return ()
    compiled = compile_mapping(loaded.mapping)
    dropped = {name for name, rule in loaded.mapping.events.items() if rule == "drop"}
    return {route.name for route in compiled.routes} - dropped if isinstance(compiled, CompiledMapping) else ()


def _type_names(loaded: Loaded) -> Iterable[str]:
    rules = {} if loaded.mapping is None else loaded.mapping.events
    return [name for name in rules if "*" not in name]


def _topic_names(loaded: Loaded) -> Iterable[str]:
    from bridge.config.topics import topic_patterns

    topics = () if loaded.config is None else loaded.config.kafka.topics
    return [name for name in topics if not topic_patterns.is_pattern(name)]
