"""What the shell offers for the values of options and arguments. Files it knows best itself: none are offered.

Nothing is asked but the file of the configuration, and whatever is wrong with that is no matter of completion: then
nothing is offered, and nothing is said between the words of who is typing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.config.load import Loaded

_STATUSES: Final = ("400", "401", "403", "404", "405", "408", "409", "413", "422", "429", "500", "502", "503", "504")
_SHARES: Final = ("20%", "50%", "100%")
_TIMES: Final = ("15m", "1h", "24h", "7d")


def reasons(incomplete: str) -> list[str]:
    """Of dead letters of a bridge."""
    from bridge.model import LetterReason

    return _beginning([reason.value for reason in LetterReason], incomplete)


def routes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Of the mapping, but for those that drop: of them there are no dead letters, and nothing is sent."""
    return _beginning(_of_configuration(ctx, _route_names), incomplete)


def kinds(incomplete: str) -> list[str]:
    """Of requests."""
    from bridge.model import KINDS

    return _beginning([kind.name for kind in KINDS], incomplete)


def types(ctx: typer.Context, incomplete: str) -> list[str]:
    """Event types that the mapping has a rule for, by their whole names."""
    return _beginning(_of_configuration(ctx, _type_names), incomplete)


def topics(ctx: typer.Context, incomplete: str) -> list[str]:
    """Those that are read by their whole names."""
    return _beginning(_topics_at_once(ctx), incomplete)


def topics_of_records(ctx: typer.Context, incomplete: str) -> list[str]:
    """Of an argument that is a file unless --from-topic says otherwise: files the shell offers."""
    return topics(ctx, incomplete) if ctx.params.get("from_topic") else []


def places(ctx: typer.Context, incomplete: str) -> list[str]:
    """The beginning of a record's place."""
    return [f"{each}/" for each in topics(ctx, incomplete)]


def statuses(incomplete: str) -> list[str]:
    """With which the API refuses or fails."""
    return _beginning(_STATUSES, incomplete)


def shares(incomplete: str) -> list[str]:
    """Of the budget."""
    return _beginning(_SHARES, incomplete)


def durations(incomplete: str) -> list[str]:
    """As they are written."""
    return _beginning(_TIMES, incomplete)


def offsets(*words: str) -> Callable[[str], list[str]]:
    """Words that stand for offsets."""

    def offered(incomplete: str) -> list[str]:
        return _beginning(words, incomplete)

    return offered


def schemas(incomplete: str) -> list[str]:
    """Which this program has."""
    try:
        from importlib import resources

        found = [each.name for each in resources.files("bridge.schemas").iterdir()]
    except OSError:
        return []
    return _beginning([each.partition(".")[0] for each in found if each.endswith(".schema.json")], incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _given(ctx: typer.Context) -> Path | None:
    found: Path | None = ctx.params.get("config") or ctx.find_root().params.get("config")
    return found


def _of_configuration(ctx: typer.Context, names: Callable[[Loaded], Iterable[str]]) -> list[str]:
    try:
        from bridge.config import environment, load

        environ = environment.variables()
        return list(names(load.read(environment.config_file(_given(ctx), environ), environ)))
    except Exception:  # noqa: BLE001 - whoever is typing wants no traceback between the words
        return []


def _topics_at_once(ctx: typer.Context) -> list[str]:
    """Where the file says them plainly, all of it is not read, which takes several times as long."""
    found = _of_text(ctx)
    return _of_configuration(ctx, _topic_names) if found is None else _plain(found)


def _of_text(ctx: typer.Context) -> list[str] | None:
    """None: there is more to it, or something is wrong with it."""
    try:
        from bridge.config import environment
        from bridge.config.reading import yaml_core

        environ = environment.variables()
        tree: Any = yaml_core.parse(environment.config_file(_given(ctx), environ).read_text("utf-8")).tree
        found = tree["kafka"]["topics"]
    except Exception:  # noqa: BLE001 - the whole reading may make sense of it
        return None
    is_plain = isinstance(found, list) and all(isinstance(each, str) and "${" not in each for each in found)
    return found if is_plain and not any("TOPICS" in name for name in environ) else None


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
    return () if loaded.config is None else _plain(loaded.config.kafka.topics)


def _plain(names: Iterable[str]) -> list[str]:
    from bridge.config.topics import topic_patterns

    return [name for name in names if not topic_patterns.is_pattern(name)]
