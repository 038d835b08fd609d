"""``track-bridge status --group``"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.frame import output, startup
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode

if TYPE_CHECKING:
    from bridge.fleet.source import FleetSource

Document = dict[str, Any]


def show(config: Path | None, named: Sequence[str], *, as_json: bool, watch: bool) -> ExitCode:
    """Once, or until Ctrl-C. Raises `Unreachable` where at first neither Kafka nor a replica answers."""
    start = startup.load(config, needs_key=False)
    instances = tuple(instance_of(each) for each in named)
    ends = contextlib.suppress(KeyboardInterrupt) if watch else contextlib.nullcontext()
    with ends, _opened(start, instances) as ask:
        document = ask.document()
        if not watch:
            _write(document, as_json=as_json)
        elif as_json or not sys.stdout.isatty():
            _repeat(ask, document, as_json=as_json)
        else:
            _watch(ask, document)
    return ExitCode.OK


def instance_of(text: str) -> str:
    """An address as it was typed. Raises `Misuse`."""
    from bridge.config.keys import instance

    try:
        return instance.normalise(text)
    except ValueError as problem:
        raise Misuse(f"--instance {problem}.") from None


class _AskedGroup:
    """Asks, between whose questions nothing runs but what waits on threads."""

    def __init__(self, runner: asyncio.Runner, source: FleetSource) -> None:
        self._runner = runner
        self._source = source

    def document(self) -> Document:
        """Raises `Unreachable` where nobody answers at all."""
        from bridge.fleet.document import document

        view = self._runner.run(self._source.view())
        is_seen = view.partitions or view.group is not None or any(each.document is not None for each in view.replicas)
        if view.kafka_problem is not None and not is_seen:
            raise Unreachable(" ".join((view.kafka_problem, *(each.problem or "" for each in view.replicas))))
        return document(view)


@contextmanager
def _opened(start: startup.LoadedConfiguration, instances: Sequence[str]) -> Iterator[_AskedGroup]:
    from bridge.fleet.opening import open_fleet

    with asyncio.Runner() as runner:
        fleet = open_fleet(start.config, startup.quiet_logger(), instances)
        source = runner.run(fleet.__aenter__())
        try:
            yield _AskedGroup(runner, source)
        finally:
            runner.run(fleet.__aexit__(None, None, None))


def _write(document: Document, *, as_json: bool) -> None:
    if as_json:
        output.document(document)
    else:
        from bridge.cli import status_screen
        from bridge.fleet import screen

        status_screen.write(screen.page(document, status_screen.width()))
    sys.stdout.flush()


def _watch(ask: _AskedGroup, document: Document) -> None:
    from bridge.cli import status_screen
    from bridge.fleet import screen

    with status_screen.Screen(screen.watched).open(document) as shown:
        while True:
            shown.pause()
            try:
                shown.show(ask.document())
            except Unreachable as trouble:  # a restart of everything must not end the watch
                shown.show_trouble(str(trouble))


def _repeat(ask: _AskedGroup, document: Document, *, as_json: bool) -> None:
    """One after the other, for whoever reads on: nothing is cut or overwritten."""
    import time

    from bridge.cli import status_screen

    _write(document, as_json=as_json)
    while True:
        time.sleep(status_screen.INTERVAL)
        try:
            document = ask.document()
            if not as_json:
                output.line()
            _write(document, as_json=as_json)
        except Unreachable as trouble:
            output.to_stderr([str(trouble)])
            sys.stderr.flush()
