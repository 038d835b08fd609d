"""``track-bridge console``"""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.frame import startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.errors import Misuse


@about(
    ("See the group in a browser: http://127.0.0.1:9465/", "console -c bridge.yaml"),
    ("Behind a proxy that logs people in", "console --behind-proxy --host bridge.example.com"),
    unreachable="`console.listen` cannot be bound.",
)
def console(
    config: startup.ConfigPath = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="A proxy before it says who may look; its X-Forwarded-Host, -Proto and -For are believed.",
        ),
    ] = False,
    host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="A host name that browsers call it by, beside localhost and addresses. May be repeated.",
        ),
    ] = None,
    schema: SchemaFiles = None,
) -> int:
    """Serve pages for the operator: what needs someone, the fleet, its partitions, dead letters, what is
    configured.

    It runs beside the bridges and asks Kafka and console.instances, once for all who watch. Without console.token_file
    it changes nothing. SIGTERM or Ctrl-C end it.
    """
    try:
        import jinja2  # noqa: F401 - whether it is there
        import starlette  # noqa: F401 - as above
        import uvicorn  # noqa: F401 - as above
    except ImportError as absent:
        raise Misuse(
            f"The console needs {absent.name}, which is not installed: pip install 'track-bridge[console]' (the"
            " image has it)."
        ) from absent
    start = startup.load_to_read(config, schema, needs_key=False)
    from bridge.console import serving

    return serving.run(start.config, start.mapping, behind_proxy=behind_proxy, names=host or ())
