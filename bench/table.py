"""The result: one row per scenario, with its target and whether it is met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from bench.runs import Run


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    scenario: str
    measured: str
    target: str
    met: bool
    details: tuple[str, ...] = field(default=())


def show(rows: Iterable[Row]) -> None:
    """Print them."""
    for row in rows:
        print(f"{row.scenario}: {row.measured}; target {row.target}: {'met' if row.met else 'NOT MET'}")


def middle(runs: list[Run]) -> Run:
    """The run of the median cost."""
    return sorted(runs, key=lambda run: run.cpu)[len(runs) // 2]


def ratio(runs: list[Run], base: list[Run]) -> float:
    """Of neighbours in time, the median: a machine that slows down slows both."""
    return median(run.cpu / other.cpu for run, other in zip(runs, base, strict=True))


def spread(runs: list[Run], base: list[Run]) -> str:
    """The least and the greatest of those ratios, which tell what a shared machine makes of them."""
    ratios = [run.cpu / other.cpu for run, other in zip(runs, base, strict=True)]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def line(run: Run, per: str = "") -> str:
    """What one run showed, for people."""
    return (
        f"{run.peer:26} {run.micros:8.2f} µs  {run.rate:9,.0f} events/s  peak {run.rss / 1e6:4.0f} MB  "
        f"start {run.start:5.2f} s, {run.start_cpu:4.2f} s CPU  stub {run.stub_cpu * 1e6:5.1f} µs"
        f"  lost 0, duplicates 0, order kept{per}"
    )


def printed(rows: list[Row]) -> str:
    """The table, as Markdown."""
    lines = ["| scenario | measured | target | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {row.scenario} | {row.measured} | {row.target} | {'met' if row.met else '**NOT MET**'} |" for row in rows
    ]
    return "\n".join(lines)
