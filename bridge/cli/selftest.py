"""``track-bridge selftest``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.frame import startup
from bridge.cli.frame.help import about
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode
from bridge.text.amounts import plural, span, thousands

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.selftest.schedule import Options


@about(
    ("Faults against an embedded Kafka and API", "selftest"),
    ("The same with your own mapping, longer", "selftest -c bridge.yaml --events 50000 --duration 300"),
    findings="A promise was not kept.",
    unreachable="No broker of `--bootstrap` answers.",
)
def selftest(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="PATH",
            callback=startup.nearest,
            help="Test this configuration. Left out: a sample's.",
        ),
    ] = None,
    bootstrap: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT,…",
            help="Use this cluster, with topics and a group of unique names that are deleted again. Left out: an "
            "embedded broker.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another seed is another schedule of faults.")] = 1,
    events: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="How many records to produce.")] = 5000,
    replicas: Annotated[int, typer.Option(metavar="N", min=1, max=8, help="How many bridges share the work.")] = 2,
    duration: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="The longest time that faults continue.")
    ] = 60.0,
    logs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the replicas' logs in this directory, new or empty.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> int:
    """Prove that nothing is lost: real bridges under kill -9, rebalances, API and broker faults, each event followed.

    The API is emulated and nothing of yours is touched. The same seed gives the same schedule of faults.
    """
    from bridge.selftest.schedule import Options

    options = Options(seed, events, replicas, duration, _configuration(config, as_json=as_json), bootstrap, _logs(logs))
    return _run(options, as_json=as_json)


def _run(options: Options, *, as_json: bool) -> int:
    import asyncio

    from rich.console import Console

    from bridge.cli.frame import output
    from bridge.cli.frame.progress import view_for
    from bridge.sandbox.own_topics import ClusterError
    from bridge.selftest import report, run
    from bridge.selftest.events import NoEventError
    from bridge.service.main import on_loop

    where = options.bootstrap or "an embedded Kafka"
    if not as_json:
        output.line(
            f"track-bridge selftest: seed {options.seed}, {plural(options.events, 'record')}, "
            f"{plural(options.replicas, 'replica')}, {where}\n"
        )
    view = view_for(Console(quiet=as_json, soft_wrap=True), options.events)

    def show(done: int, waiting: int) -> None:
        view.show(done, f"done {thousands(done)} · waiting {thousands(waiting)}", f"waiting {thousands(waiting)}")

    try:
        result = on_loop(run.run(options, show, view.tell))
    except ClusterError as error:
        raise Unreachable(f"--bootstrap: {error}.") from error
    except NoEventError as error:
        raise Misuse(f"--config: {error}.") from error
    except asyncio.CancelledError:
        return ExitCode.INTERRUPTED
    finally:
        view.end()
    wrong = report.findings(result)
    if as_json:
        output.document(report.as_json(result, wrong))
    else:
        output.line()
        output.lines(report.table(result))
        output.line()
        output.lines(f"Wrong: {sentence}" for sentence in wrong)
        output.line(
            f"Failed after {span(result.seconds)}; the same faults again: --seed {options.seed}"
            if wrong
            else f"Nothing lost, nothing out of order, {span(result.seconds)}."
        )
    return ExitCode.FINDINGS if wrong else ExitCode.OK


def _logs(path: Path | None) -> Path | None:
    """The directory, created where it is missing. Raises `Misuse` for one that cannot be used or is not empty."""
    if path is None:
        return None
    try:
        path.mkdir(parents=True, exist_ok=True)
        is_empty = not any(path.iterdir())
    except OSError as error:
        raise Misuse(f"--logs: {path} cannot be used: {error.strerror}.") from error
    if not is_empty:
        raise Misuse(f"--logs: {path} is not empty; name another directory.")
    return path


def _configuration(path: Path | None, *, as_json: bool) -> Config:
    """The user's, with the sample's mapping where it has no examples; or the sample's."""
    from bridge.cli.frame import output
    from bridge.sandbox import sample

    if path is None:
        return sample.configuration()
    config = startup.load(path).config
    if config.mapping.examples:
        return config
    if not as_json:
        output.line("mapping.examples is empty: the sample's mapping and events take the place of yours.\n")
    return config.model_copy(update={"mapping": sample.configuration().mapping})
