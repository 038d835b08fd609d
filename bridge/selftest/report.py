"""What a self-test says at its end: one table, or the same as JSON, and what is wrong as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bridge.selftest.faults import SENTENCES
from bridge.selftest.run import SelftestResult
from bridge.selftest.schedule import DisturbanceKind
from bridge.text import tables
from bridge.text.amounts import thousands

SHOWN: Final = 5
"""Examples of each thing that is wrong."""


def findings(result: SelftestResult) -> list[str]:
    """Every promise that was not kept, as a sentence; empty where all were."""
    verdict, bound = result.verdict, result.bound
    found = list(result.problems)
    found += _several(verdict.lost, "lost")
    found += _several(verdict.overtaken, "out of order")
    found += _several(verdict.unexplained, "a dead letter without a reason")
    if verdict.duplicates > bound.total:
        found.append(f"{thousands(verdict.duplicates)} duplicates; at most {thousands(bound.total)} are allowed")
    if verdict.foreign:
        found.append(f"{thousands(verdict.foreign)} requests that come from no record")
    given_up = verdict.given_up["unauthorized"]
    if result.unauthorized_at_most is not None and given_up > result.unauthorized_at_most:
        found.append(
            f"{thousands(given_up)} events became dead letters for a refused key; at most "
            f"{thousands(result.unauthorized_at_most)} are allowed"
        )
    return found


def table(result: SelftestResult) -> Iterator[str]:
    """The lines of the table."""
    verdict, bound = result.verdict, result.bound
    rows = [("fault", "times", "longest recovery")]
    for kind in DisturbanceKind:
        recoveries = _of(kind, result)
        if recoveries:
            rows.append((SENTENCES[kind], str(len(recoveries)), f"{max(recoveries):.1f} s"))
        elif kind in result.options.skipped:
            rows.append((SENTENCES[kind], "0", "not on a given cluster"))
    yield from tables.table(rows, right=(1, 2))
    yield ""
    most = (
        f"at most {thousands(bound.total)}: {thousands(bound.ambiguous)} answers that never came, "
        f"{thousands(bound.after_crashes)} in flight or uncommitted at a crash"
    )
    letters = ", ".join(f"{thousands(count)} {reason}" for reason, count in sorted(verdict.given_up.items()))
    yield from tables.table(
        [
            (
                "records",
                thousands(result.records),
                f"{thousands(result.filtered)} of them filtered by the mapping",
            ),
            ("events due", thousands(verdict.due), ""),
            ("  arrived", thousands(verdict.arrived), ""),
            ("dead letters", thousands(verdict.given_up.total()), letters),
            ("lost", thousands(len(verdict.lost)), ""),
            (
                "duplicates",
                thousands(verdict.duplicates),
                most,
            ),
            ("order violations", thousands(len(verdict.overtaken)), ""),
        ],
        right=(1,),
    )


def as_json(result: SelftestResult, wrong: Sequence[str]) -> dict[str, Any]:
    """The same facts for a script."""
    verdict, options = result.verdict, result.options
    return {
        "ok": not wrong,
        "seed": options.seed,
        "replicas": options.replicas,
        "kafka": options.bootstrap or "embedded",
        "seconds": round(result.seconds, 1),
        "records": result.records,
        "filtered": result.filtered,
        "events": verdict.due,
        "arrived": verdict.arrived,
        "dead_letters": dict(sorted(verdict.given_up.items())),
        "lost": len(verdict.lost),
        "duplicates": verdict.duplicates,
        "duplicates_at_most": result.bound.total,
        "order_violations": len(verdict.overtaken),
        "faults": {
            kind.value: {"times": len(recoveries), "longest_recovery_s": round(max(recoveries), 2)}
            for kind in DisturbanceKind
            if (recoveries := _of(kind, result))
        },
        "skipped": [kind.value for kind in options.skipped],
        "problems": list(wrong),
    }


def _of(kind: DisturbanceKind, result: SelftestResult) -> list[float]:
    pairs = zip(result.happened, result.recoveries, strict=True)
    return [seconds for fault, seconds in pairs if fault.kind is kind]


def _several(things: Sequence[str], what: str) -> list[str]:
    shown = [f"{what}: {thing}" for thing in things[:SHOWN]]
    return [*shown, f"{what}: {thousands(len(things) - SHOWN)} more"] if len(things) > SHOWN else shown
