"""``bridge status``"""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from bridge.cli import output
from bridge.cli.exits import ExitCode, Misuse, Unreachable

_TIMEOUT = 5.0
_INTERVAL = 2.0
_CLEAR = "\x1b[H\x1b[2J"


def status(
    url: Annotated[
        str, typer.Option(metavar="URL", help="Where the bridge listens (observability.listen).")
    ] = "http://127.0.0.1:9464",
    json: Annotated[bool, typer.Option("--json", help="The document itself, one per line.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False,
) -> ExitCode:
    """Ask a running bridge how far behind it is, and why."""
    _show(_fetch(url), as_json=json, clear=watch)
    while watch:
        time.sleep(_INTERVAL)
        try:
            _show(_fetch(url), as_json=json, clear=True)
        except Unreachable as gone:  # a restart must not end the watch
            sys.stderr.write(f"{gone}\n")
    return ExitCode.OK


def _fetch(url: str) -> dict[str, Any]:
    from bridge.ops import status_client

    try:
        return status_client.fetch(url, _TIMEOUT)
    except status_client.StatusError as error:
        raise Unreachable(str(error)) from error
    except ValueError as error:
        raise Misuse(f"--url: {error}") from error


def _show(document: dict[str, Any], *, as_json: bool, clear: bool) -> None:
    if as_json:
        output.document(document)
    else:
        from bridge.ops import status_text

        try:
            page = status_text.lines(document)
        except KeyError as missing:
            raise Misuse(
                f"The status document lacks {missing}: the running bridge is of another version than this command "
                f"({document.get('version', 'unknown')}). Use the command of that version, or --json."
            ) from missing
        if clear:
            sys.stdout.write(_CLEAR if sys.stdout.isatty() else "\n")
        output.lines(page)
    sys.stdout.flush()
