"""Very many histories, on all cores."""

# ruff: noqa: T201 - it is a program, and prints is what it does

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.simulation.history import run
from tests.simulation.plan import plan

BLOCK = 50


@dataclass(frozen=True, slots=True)
class Block:
    """What a worker hands back."""

    histories: int
    steps: int
    accepted: int
    duplicates: int
    faults: Counter[str]
    broken: tuple[tuple[int, str], ...]


def _block(seeds: range) -> Block:
    histories = steps = accepted = duplicates = 0
    faults: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    for seed in seeds:
        told = run(plan(seed))
        histories += 1
        steps += told.world.agenda.steps
        accepted += told.world.ledger.accepted
        duplicates += told.world.ledger.duplicates
        faults.update(fault.kind for fault in told.plan.faults)
        if told.violation is not None:
            broken.append((seed, told.violation))
    return Block(histories, steps, accepted, duplicates, faults, tuple(broken))


def soak(first: int, histories: int) -> int:
    blocks = [range(seed, min(seed + BLOCK, first + histories)) for seed in range(first, first + histories, BLOCK)]
    began = time.monotonic()
    total = Counter[str]()
    faults: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for block in _shown(pool.map(_block, blocks), histories, began):
            total.update(
                histories=block.histories, steps=block.steps, acceptances=block.accepted, duplicates=block.duplicates
            )
            faults.update(block.faults)
            broken += block.broken
    print(
        f"\n{'':2}".join(["", *(f"{name:<24}{count:>12,}" for name, count in [*total.items(), *faults.most_common()])])
    )
    print(f"{len(broken)} broken promises in {total['histories']:,} histories, {time.monotonic() - began:.0f} s")
    for seed, violation in sorted(broken)[:20]:
        print(f"  seed {seed}: {violation}\n    replay: python -m tests.simulation {seed}")
    return 1 if broken else 0


def _shown(blocks: Iterator[Block], histories: int, began: float) -> Iterator[Block]:
    """With a line of progress now and then."""
    done = broken = 0
    told_at = 0.0
    for block in blocks:
        done += block.histories
        broken += len(block.broken)
        for seed, violation in block.broken:
            print(f"seed {seed}: {violation}", flush=True)
        now = time.monotonic()
        if now - told_at >= 5.0 or done == histories:
            told_at = now
            left = (now - began) / done * (histories - done)
            print(
                f"{done:>9,} of {histories:,}  {broken} broken  {done / (now - began):.0f}/s  {left:.0f} s left",
                flush=True,
            )
        yield block
