"""``track-bridge status``"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode

if TYPE_CHECKING:
    from bridge.ops.status.status_text import ScreenLine

_TIMEOUT = 5.0
_USUAL = "http://127.0.0.1:9464"
"""Where a bridge listens that is told nothing else."""


@about(
    ("Ask the bridge on this machine", "status"),
    ("Watch another one", "status --url bridge.internal:9464 --watch"),
    ("Ask where a configuration says that it listens", "status -c bridge.yaml"),
    ("The whole group: Kafka and all replicas, watched", "status --group --watch"),
    ("With replicas that the configuration does not name", "status --group --instance bridge-0:9464"),
    unreachable="No running bridge answers; of a group, Kafka neither.",
)
def status(
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help="Where the bridge listens: :PORT, HOST:PORT or a URL. Left out: observability.listen of the "
            f"configuration, else {_USUAL}.",
        ),
    ] = None,
    config: startup.ConfigPath = None,
    json: Annotated[bool, typer.Option("--json", help="The document itself, one per line.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False,
    group: Annotated[
        bool,
        typer.Option("--group", help="The whole group: what Kafka shows of it and all replicas say."),
    ] = False,
    instance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help="With --group, where a replica listens, or dns+http://NAME:PORT for all addresses of a name; may be "
            "repeated. Left out: console.instances of the configuration.",
        ),
    ] = None,
) -> ExitCode:
    """Ask a running bridge what needs someone, and why.

    Then what ends by itself and when, what is lost, and how far behind everything is. With --group all bridges of the
    group are asked, and Kafka. On a terminal it is as wide as that; elsewhere lines are 100 columns wide at most.
    --watch shows as much of it as the terminal has lines for.
    """
    if group:
        from bridge.cli import status_group

        if url is not None:
            raise Misuse("--url names one bridge, and --group asks all of them: name them with --instance.")
        return status_group.show(config, instance or (), as_json=json, watch=watch)
    if instance:
        raise Misuse("--instance names replicas of a group: give --group too, or name one bridge with --url.")
    place = where(url, config)
    if not watch:
        _show(_fetch(place), as_json=json)
        return ExitCode.OK
    with contextlib.suppress(KeyboardInterrupt):  # the way to end a watch is no failure of it
        _watch(place, as_json=json)
    return ExitCode.OK


class _ReplicaAddress(NamedTuple):
    """Where to ask."""

    address: str
    doubt: str = ""
    """What is to be said beside it where nobody answers there."""


def where(url: str | None, config: Path | None) -> _ReplicaAddress:
    """From the command line, the configuration, or what is usual.

    What was asked for must be readable. A configuration that merely lies there may be broken, or another program's.
    """
    from bridge.config import environment, listening
    from bridge.config.keys.problems import ConfigError

    if url is not None:
        if config is not None:
            raise Misuse("--url and --config both say where the bridge listens: leave one of them out.")
        return _ReplicaAddress(url)
    environ = environment.variables()
    try:
        path = environment.config_file(config, environ)
        return _ReplicaAddress(
            listening.address(path, environ), f" The address is that of observability.listen in {path}."
        )
    except ConfigError:
        return _ReplicaAddress(_USUAL, " No configuration was found, so this is the address without one.")
    except listening.ListenUnknownError as unknown:
        if config is not None:
            raise Misuse(str(unknown)) from unknown
        return _ReplicaAddress(_USUAL, f" The address is that of a bridge without a configuration: {unknown}")


def _fetch(place: _ReplicaAddress) -> dict[str, Any]:
    from bridge.ops.admin import status_client

    try:
        return status_client.fetch(place.address, _TIMEOUT)
    except status_client.StatusError as error:
        raise Unreachable(f"{error}{place.doubt}") from error
    except ValueError as error:
        raise Misuse(f"--url: {error}.") from error


def _page(document: Mapping[str, Any], width: int) -> list[ScreenLine]:
    from bridge.ops.status import status_text

    return _of_this_version(document, lambda: status_text.page(document, width))


def _watched(document: Mapping[str, Any], width: int) -> list[ScreenLine]:
    from bridge.ops.status import status_text

    return _of_this_version(document, lambda: status_text.watched(document, width))


def _of_this_version(document: Mapping[str, Any], lay_out: Callable[[], list[ScreenLine]]) -> list[ScreenLine]:
    try:
        return lay_out()
    except KeyError as missing:
        raise Misuse(
            f"The status document lacks {missing}: the running bridge is of another version than this command "
            f"({document.get('version', 'unknown')}). Use the command of that version, or --json."
        ) from missing


def _show(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(document)
    else:
        from bridge.cli import status_screen

        status_screen.write(_page(document, status_screen.width()))
    sys.stdout.flush()


def _watch(place: _ReplicaAddress, *, as_json: bool) -> None:
    """The first answer must come; after that a bridge may go away and come back."""
    from bridge.cli import status_screen

    document = _fetch(place)
    if as_json or not sys.stdout.isatty():
        _repeat(place, document, as_json=as_json)
    with status_screen.Screen(_watched).open(document) as screen:
        while True:
            screen.pause()
            try:
                screen.show(_fetch(place))
            except (Misuse, Unreachable) as trouble:  # a restart or an update must not end the watch
                screen.show_trouble(str(trouble))


def _repeat(place: _ReplicaAddress, document: dict[str, Any], *, as_json: bool) -> None:
    """One after the other, for whoever reads on: nothing is cut or overwritten."""
    import time

    from bridge.cli import status_screen

    _show(document, as_json=as_json)
    while True:
        time.sleep(status_screen.INTERVAL)
        try:
            document = _fetch(place)
            if not as_json:
                output.line()
            _show(document, as_json=as_json)
        except (Misuse, Unreachable) as trouble:
            output.to_stderr([str(trouble)])
            sys.stderr.flush()
