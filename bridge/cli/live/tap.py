"""``track-bridge tap``"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from bridge.cli.frame import completion, output, startup
from bridge.cli.frame.help import about
from bridge.cli.status import where
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode

_TIMEOUT = 5.0
_Outcome = Literal["mapped", "filtered", "failed", "accepted", "retried", "rejected", "unauthorized", "dead_lettered"]
_MARK = "tap"


@about(
    ("Watch what comes in and what goes out", "tap"),
    ("What the API refuses", "tap --outcome rejected"),
    ("Ten samples of one route, for a script", "tap --route order.completed --limit 10 --json"),
    unreachable="No running bridge answers, or it shows no samples.",
)
def tap(
    route: Annotated[
        str | None, typer.Option(metavar="ROUTE", autocompletion=completion.routes, help="Of this route only.")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Of this user only.")] = None,
    outcome: Annotated[
        _Outcome | None,
        typer.Option(
            help="Of records: mapped, filtered, failed. Of requests: accepted, retried, rejected, unauthorized. Of"
            " dead letters: dead_lettered.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many samples.")] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help="Where the bridge listens: :PORT, HOST:PORT or a URL, on this machine. Left out: observability.listen"
            " of the configuration.",
        ),
    ] = None,
    config: startup.ConfigPath = None,
    json: Annotated[bool, typer.Option("--json", help="Each sample as a JSON document, one per line.")] = False,
) -> ExitCode:
    """Watch samples of the records that come in and the requests that go out.

    The bridge must have observability.tap: true, and answers on its own machine only. Values are redacted as dead
    letters are, and what mapping.never_send names is hidden. Some twenty samples a second are shown; what is left out
    is counted, and delivery never waits. It ends with Ctrl-C, or after --limit samples.
    """
    asked = {"route": route, "user": user, "outcome": outcome}
    with contextlib.suppress(KeyboardInterrupt):  # the way to end a watch is no failure of it
        _watch({name: value for name, value in asked.items() if value is not None}, url, config, limit, as_json=json)
    return ExitCode.OK


def _watch(query: Mapping[str, str], url: str | None, config: Any, limit: int | None, *, as_json: bool) -> None:
    from bridge.cli.live import tap_lines
    from bridge.ops.admin import tap_client

    place = where(url, config)
    shown = 0
    try:
        with contextlib.closing(tap_client.samples(place.address, query, _TIMEOUT)) as samples:
            for sample in samples:
                if sample["sample"] == _MARK:
                    output.notice("Watching; Ctrl-C ends it.")
                    continue
                if as_json:
                    output.document(sample)
                else:
                    output.samples(tap_lines.lines(sample))
                sys.stdout.flush()
                shown += 1
                if limit is not None and shown >= limit:
                    return
    except tap_client.TapError as error:
        raise Unreachable(f"{error}{place.doubt}") from error
    except ValueError as error:
        raise Misuse(f"--url: {error}.") from error
    output.notice("The bridge has ended the watch.")
