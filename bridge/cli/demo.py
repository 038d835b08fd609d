"""``track-bridge demo``"""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.frame.help import about
from bridge.exits import ExitCode
from bridge.text.amounts import span


@about(
    ("Watch it, without Kafka and without an account", "demo"),
    findings="Not everything became of the records that should.",
)
def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
    avro: Annotated[
        bool, typer.Option("--avro", help="The events are in Avro, behind an embedded schema registry.")
    ] = False,
) -> int:
    """Watch the main job run: Kafka, the Track API and their troubles, all inside this process, in half a minute."""
    from rich.console import Console

    from bridge.cli.frame.progress import view_for
    from bridge.demo import encodings, report, scenario
    from bridge.service.main import on_loop

    console = Console(quiet=as_json, soft_wrap=True)
    if not as_json:
        typer.echo("track-bridge demo: domain events from Kafka become Userpilot Track API requests.\n")
    view = view_for(console, scenario.RECORDS)
    try:
        result = on_loop(scenario.run(view.show, view.tell, encodings.as_avro if avro else encodings.as_json))
    finally:
        view.end()
    wrong = report.findings(result)
    if as_json:
        typer.echo(report.as_json(result))
    else:
        typer.echo("")
        for line in report.report(result):
            typer.echo(line)
        typer.echo(
            "\n".join(f"Wrong: {sentence}" for sentence in wrong)
            if wrong
            else f"Nothing lost, nothing out of order, {span(result.seconds)}. The README says how to map your own."
        )
    return ExitCode.FINDINGS if wrong else ExitCode.OK
