"""Runs docs/dead-letters.md: its letters are made by a real bridge, its commands are run in their order.

``python -m tests.support.reprocess.page`` writes the page again with what they print; the test compares.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from tests.support.service import settings
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.service.settings import API_KEY

PAGE: Final = Path(__file__).parents[3] / "docs" / "dead-letters.md"
TOPIC: Final = "shop.orders"
LETTERS: Final = "userpilot-bridge.dlq"
PARTITIONS: Final = 4
ELLIPSIS: Final = "…"
REJECTED, UNAUTHORIZED = 412, 5
_REFUSED: Final = '{"errors":[{"error_code":"invalid_event","message":"amount must be a number"}]}'
_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRESS: Final = re.compile(r"(Reading|Sending|Looking)[^:]*: [\d,]+ of ")
_VOLATILE: Final = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d+ (s|min|h|d)( \d+ (s|min|h))?(?=[ ,;]|$)"), "AGE"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "HASH"),
    (re.compile(r"\breq-\d+\b"), "REQUEST"),
    (re.compile(r" {2,}"), " "),
)
"""What differs from run to run; columns are as wide as what stands in them."""


@dataclass(frozen=True)
class Command:
    """One command of the page with the lines under it."""

    words: Sequence[str]
    lines: Sequence[str]


def commands(text: str) -> Iterator[Command]:
    """Those of the page, in their order."""
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *lines = part.splitlines()
            yield Command(shlex.split(first), _without_blank_end(lines))


def agrees(expected: Sequence[str], found: Sequence[str]) -> bool:
    """Whether the page's lines are what was printed, but for times and for lines left out at an ellipsis."""
    wanted, printed = _stable(expected), _stable(found)
    if ELLIPSIS not in wanted:
        return wanted == printed
    cut = wanted.index(ELLIPSIS)
    end = len(wanted) - cut - 1
    return wanted[:cut] == printed[:cut] and wanted[cut + 1 :] == printed[len(printed) - end :]


def written_anew(text: str, outputs: Sequence[Sequence[str]]) -> str:
    """The page with these outputs; where it left lines out, it does so again."""
    left = list(outputs)

    def block(match: re.Match[str]) -> str:
        parts = []
        for part in re.split(r"^\$ ", match[1], flags=re.MULTILINE)[1:]:
            first, *old = part.splitlines()
            parts.append("\n".join([f"$ {first}", *_shortened(_without_blank_end(old), left.pop(0))]))
        return "```console\n" + "\n\n".join(parts) + "\n```"

    return _BLOCK.sub(block, text)


async def run(page: Sequence[Command], folder: Path) -> list[list[str]]:
    """What each of them prints, on letters that were never seen before."""
    topics = {TOPIC: PARTITIONS, LETTERS: PARTITIONS, f"{LETTERS}.resolutions": PARTITIONS}
    with EmbeddedKafka(topics, rebalance_delay=0.0) as kafka:
        async with Emulator(keys=[API_KEY]) as api:
            broken = _configuration(kafka, api, {"template": "{data.total.amount}"})
            await _dead_letters(settings.write(folder / "bridge.yaml", broken), kafka, api)
            settings.write(folder / "bridge.yaml", _configuration(kafka, api, "data.total.amount"))
            outputs = []
            for command in page:
                if command.words[:3] == ["track-bridge", "dlq", "import"]:
                    _correct_by_hand(folder / "fix.ndjson")
                outputs.append(await _printed(command, folder))
            return outputs


def _configuration(kafka: EmbeddedKafka, api: Emulator, amount: Any) -> dict[str, Any]:
    base = settings.base(kafka.bootstrap, api.endpoint, [TOPIC])
    return settings.layered(
        base | {"mapping": _mapping(amount)},
        {
            "kafka": {"group_id": "userpilot-bridge", **settings.RESTARTABLE},
            # One at a time, so that the letters stand in the order of their records.
            "delivery": {"rate_limit": "2400/min", "max_in_flight": 1},
            "dead_letter": {"topic": LETTERS, "hold_after": 1000, "redact": ["data.email"]},
        },
    )


def _mapping(amount: Any) -> dict[str, Any]:
    return {
        "user_id": "data.customer.id",
        "events": {
            "order.completed": {
                "event_name": "Order Completed",
                "metadata": {"amount": amount, "currency": "data.total.currency"},
            }
        },
    }


def order(number: int, **customer: str) -> bytes:
    """A record of the shop."""
    total = {"amount": number + 0.5, "currency": "EUR"}
    data = {"customer": customer, "email": f"{number}@example.com", "total": total}
    return json.dumps(
        {"type": "order.completed", "id": f"e-{number}", "time": "2026-01-02T03:04:05Z", "data": data}
    ).encode()


async def _dead_letters(file: Path, kafka: EmbeddedKafka, api: Emulator) -> None:
    """By a bridge whose mapping sends amounts as text and whose key is refused for a while; some records are broken."""
    broker = Broker(kafka)
    number = 0

    async def write(count: int, make: Callable[[int], bytes]) -> None:
        nonlocal number
        for each in range(number, number + count):
            broker.produce([make(each)], topic=TOPIC, partition=each % PARTITIONS)
        number += count
        await service.until_done(number)

    async with Service(_unlimited(file)) as service:
        api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body=_REFUSED))
        for _ in range(PARTITIONS):
            await write(1, _of_a_user)  # The oldest letters, in a known order.
        await write(REJECTED - PARTITIONS, _of_a_user)
        api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body="{}"))
        for _ in range(UNAUTHORIZED):
            await write(1, _of_a_user)
        api.set_faults()
        for _ in range(2):  # Each by itself: the oldest of the two is the one that the page names.
            await write(1, lambda _: b'{"type": "order.comp')
        await write(1, order)


def _of_a_user(number: int) -> bytes:
    return order(number, id=f"u-{number}")


def _unlimited(file: Path) -> Path:
    text = file.read_text(encoding="utf-8").replace("rate_limit: 2400/min", "rate_limit: unlimited")
    path = file.with_name("broken.yaml")
    path.write_text(text, encoding="utf-8")
    return path


def _correct_by_hand(file: Path) -> None:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["json"]["data"]["customer"]["id"] = "u-4711"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


async def _printed(command: Command, folder: Path) -> list[str]:
    program, *arguments = command.words
    assert program == "track-bridge", command
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *arguments),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(PAGE.parents[1])},
    )
    out, _ = await process.communicate()
    assert b"Traceback" not in out, out.decode()
    # As it was called here: by its path, where the name alone would find another interpreter.
    interpreters = (f"`{sys.executable} -m bridge ", f"`{Path(sys.executable).name} -m bridge ")
    as_installed = out.decode()
    for called in interpreters:
        as_installed = as_installed.replace(called, "`track-bridge ")
    return _without_blank_end(as_installed.splitlines())


def _stable(lines: Sequence[str]) -> list[str]:
    kept = []
    for line in lines:
        text = line
        for pattern, name in _VOLATILE:
            text = pattern.sub(name, text)
        if not _PROGRESS.match(line):
            kept.append(text.rstrip())
    return kept


def _shortened(old: Sequence[str], new: Sequence[str]) -> Sequence[str]:
    if ELLIPSIS not in old:
        return new
    cut = old.index(ELLIPSIS)
    end = len(old) - cut - 1
    return [*new[:cut], ELLIPSIS, *new[len(new) - end :]]


def _without_blank_end(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _write() -> None:
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        outputs = asyncio.run(run(list(commands(text)), Path(folder)))
    PAGE.write_text(written_anew(text, outputs), encoding="utf-8")


if __name__ == "__main__":
    _write()
