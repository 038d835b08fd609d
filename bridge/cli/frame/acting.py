"""Acts for the whole group from the command line: what would be done, a question, and what became of each partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.frame import output
from bridge.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.cli.frame.startup import LoadedConfiguration
    from bridge.fleet.acts import Act
    from bridge.fleet.acts.outcomes import ActReport, PartitionFate, Silent

Group = Annotated[
    bool,
    typer.Option(
        "--group", help="In all replicas of console.instances, with the token of console.token_file, and not only here."
    ),
]


def for_the_group(start: LoadedConfiguration, act: Act, ask: str, done: str, *, yes: bool, json: bool) -> ExitCode:
    """Preview, question, act, report. `ask` and `done` are the verbs: "Hold", "Held"."""
    import asyncio

    from bridge.fleet import acts
    from bridge.fleet.acts.outcomes import Fate
    from bridge.reprocess.author import author

    control = acts.over_network(start.config)
    preview = asyncio.run(control.preview(act))
    ready = preview.with_fate(Fate.READY)
    if not ready:
        return _end(preview, f"{done}: nothing.", as_json=json)
    if not output.agreed(f"{ask} {listed(act.topic, ready)}?", yes=yes):
        if not json:
            output.line("Nothing was changed.")
        return ExitCode.FINDINGS
    outcome = asyncio.run(control.carry_out(act, author("").user))
    carried = outcome.with_fate(Fate.DONE, Fate.NOT_KEPT, Fate.UNCONFIRMED)
    head = f"{done}: {listed(act.topic, carried)}." if carried else f"{done}: nothing."
    return _end(outcome, head, as_json=json)


def _end(report: ActReport, head: str, *, as_json: bool) -> ExitCode:
    if as_json:
        output.document(_document(report))
    else:
        output.lines([head, *remarks(report)])
    return ExitCode.OK if report.is_complete else ExitCode.FINDINGS


def listed(topic: str, fates: Iterable[PartitionFate]) -> str:
    """Each partition and where it is: ``shop.orders/0, shop.orders/3 (10.0.0.3:9464)``, replica by replica."""
    by_replica: dict[str, list[str]] = {}
    for each in fates:
        by_replica.setdefault(_short(each.replica), []).append(f"{topic}/{each.partition}")
    return "; ".join(f"{', '.join(named)}{f' ({name})' if name else ''}" for name, named in by_replica.items())


def remarks(report: ActReport) -> list[str]:
    """A line for each partition that is not simply done, and for each replica that says nothing."""
    from bridge.fleet.acts.outcomes import SAYS, Fate

    lines = []
    for each in report.partitions:
        named = f"{report.topic}/{each.partition}"
        if each.fate is Fate.REFUSED:
            lines.append(f"Not done: {each.detail}" if named in each.detail else f"Not done, {named}: {each.detail}")
        elif each.fate is Fate.ELSEWHERE:
            lines.append(
                f"No replica that was asked has {named} ({each.owner or 'owner not known'}): run this again, and see "
                "that console.instances names all replicas."
            )
        elif each.fate is Fate.NOT_REACHED:
            lines.append(f"Not reached, {named}: {each.detail}.".replace("..", "."))
        elif each.fate in SAYS:
            lines.append(f"{named} {SAYS[each.fate]}{f' ({each.detail})' if each.detail else ''}.")
    told = "".join(lines)
    lines += [_silence(each) for each in report.silent if each.why not in told]
    return [*lines, *(f"All sending is held, which no release ends: {gate}" for gate in report.gates)]


def _silence(each: Silent) -> str:
    return f"{each.why}." if each.replica in each.why else f"{each.replica}: {each.why}."


def _document(report: ActReport) -> dict[str, Any]:
    return {
        "topic": report.topic,
        "partitions": [
            {
                "partition": each.partition,
                "outcome": each.fate.value,
                "replica": each.replica,
                "detail": each.detail or None,
                "owner": each.owner,
            }
            for each in report.partitions
        ],
        "gates": list(report.gates),
        "silent": [
            {"replica": each.replica, "problem": each.why, "may_be_done": each.may_be_done} for each in report.silent
        ],
    }


def _short(address: str | None) -> str:
    return (address or "").removeprefix("http://").removeprefix("https://").rstrip("/")
