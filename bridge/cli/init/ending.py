"""What the written file is worth: the same as ``check`` and ``map`` say of it, and what is left to do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Area
from bridge.cli.frame import output, startup
from bridge.cli.samples.histogram import Histogram
from bridge.commands import command
from bridge.exits import ExitCode
from bridge.model import Record

PLACEHOLDERS: Final = {"USERPILOT_ENDPOINT": "https://userpilot-endpoint.invalid"}
"""Stands for what the file leaves to the environment, while it is looked at here."""


@dataclass(frozen=True, slots=True)
class WrittenReview:
    """What was found of a file that was just written."""

    areas: Sequence[Area]
    samples: Histogram
    has_examples: bool
    """Whether the file has any, which ``test`` runs."""

    @property
    def code(self) -> ExitCode:
        """Whether something needs a look: a sample that is a dead letter, a finding, or nothing that is sent."""
        is_well = findings.exit_code(self.areas) is ExitCode.OK and self.samples.requests
        return ExitCode.OK if is_well and not self.samples.dead_letters else ExitCode.FINDINGS

    def show(self) -> None:
        """For a person."""
        output.line(command("check"), "bold")
        findings.show(self.areas)
        output.line()
        output.line(f"{command('map')}, of the samples", "bold")
        output.lines(self.samples.lines())
        output.line()

    def document(self) -> dict[str, Any]:
        """For a script."""
        return {"check": findings.document(self.areas), "map": self.samples.document()}


def look(
    path: Path, records: Sequence[Record], schemas: Sequence[str], secrets: Mapping[str, str], *, has_brokers: bool
) -> WrittenReview:
    """Check and map. Raises `Refused` for a file that does not load."""
    from bridge.cli.checks import areas

    start = startup.load_to_read(path, schemas, needs_key=False, supplied={**PLACEHOLDERS, **secrets})
    found = [areas.configuration(start, offline=True), *areas.offline(start)]
    if has_brokers:
        from bridge.cli.checks import cluster

        found += cluster.look(start.config, start.mapping, startup.quiet_logger(), patience=startup.PATIENCE)
    histogram = Histogram()
    now = time.time()
    for record in records:
        histogram.add(record, start.mapping.map_all(record, now))
    return WrittenReview(found, histogram, bool(start.config.mapping.examples))


def next_steps(
    missing: Sequence[str], samples: Sequence[str], *, is_of_topics: bool = False, has_examples: bool = True
) -> None:
    """What somebody does now. `samples` are files that the playground can read, too; a topic's records it cannot."""
    files = [word for name in samples if name != "-" for word in ("--samples", name)]
    play = command("playground", *files) if files else command("playground")
    variables = [step for step in missing if step.startswith("set ")]
    steps = [
        *(step for step in missing if step not in variables),
        "read the file: it says what each proposal is based on",
        *([f"{command('test')}: do the examples hold?"] if has_examples else []),
        f"{command('map', '--from-topic')}: what your records become; nothing is sent"
        if is_of_topics
        else f"{play}: play with it, without a Kafka and without Userpilot",
        f"{command('emulator')}: an API to send to that is not Userpilot yet; it says what to set",
        *variables,
        f"{command('run')}: send",
    ]
    width = output.prose_width()
    output.line("Next:")
    for number, step in enumerate(steps, start=1):
        lines = wrap(step, max(30, width - 6), break_long_words=False, break_on_hyphens=False)
        output.lines([f"  {number}. {lines[0]}", *(f"     {line}" for line in lines[1:])])
