"""``track-bridge playground``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.frame import startup
from bridge.cli.frame.help import about
from bridge.errors import Misuse


@about(
    ("A shop, Kafka, the bridge and its console, until Ctrl-C", "playground"),
    ("Your own mapping and records, without a Kafka", "playground --config bridge.yaml --samples orders.ndjson"),
    ("With an API that fails now and then", "playground --fault 503:10%"),
)
def playground(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="PATH",
            callback=startup.nearest,
            show_default=False,
            help="Your own configuration; its addresses are replaced by the playground's, and a saved change of its "
            "mapping works within seconds. Left out: a shop's.",
        ),
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Records to put into Kafka, with --config: as `map` reads them. May be repeated.",
        ),
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", show_default=False, help="The topic of --samples; left out: the first of kafka.topics."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Where bridge.yaml to edit and the logs are; gone at the end, but for what you edited. Left out: "
            "./playground.",
        ),
    ] = None,
    rate: Annotated[float, typer.Option(metavar="N", min=0, max=100, help="Events of the shop in a second.")] = 5.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="FAULT", show_default=False, help="As `emulator --fault`. May be repeated."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Where pages listen; 0.0.0.0 in a container whose ports are published."),
    ] = "127.0.0.1",
) -> int:
    """Play with all of it: an embedded Kafka with a live shop, the emulated Track API, a bridge, its console.

    It prints where everything is and what to try. Ctrl-C ends all of it, and nothing is left behind.
    """
    from bridge.emulator import fault_words
    from bridge.playground import scene
    from bridge.playground.folder import usual
    from bridge.service.main import on_loop

    try:
        faults = fault_words.read_all(fault or ())
    except ValueError as problem:
        raise Misuse(f"--fault: {problem}") from problem
    options = scene.PlaygroundOptions(folder or usual(), config, topic, tuple(samples or ()), rate, host, faults)
    return int(on_loop(scene.play(options)))
