"""Runs docs/backfill.md up to its check: its configuration and commands, on an embedded Kafka with a little history.

``python -m tests.support.backfill.written_page`` writes the page again with what they print; the test compares.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from bridge.sandbox.broker import EmbeddedKafka

PAGE: Final = Path(__file__).parents[3] / "docs" / "backfill.md"
TOPIC: Final = "shop.events"
_CONFIGURATION: Final = re.compile(r"^```yaml mapping\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK: Final = re.compile(r"^<!-- made -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FIRST: Final = """\
kafka:
  bootstrap_servers: {bootstrap}
  group_id: userpilot-bridge
  topics: [shop.events]
track:
  endpoint: https://analytex.userpilot.io
dead_letter:
  topic: userpilot-bridge.dlq
  redact: [data.email]
mapping:
"""
"""Before the mapping of the page. There is no API key."""


@dataclass(frozen=True)
class MadeBlock:
    """One block: where it is in the text, and its commands, each with what the page says it prints."""

    start: int
    end: int
    commands: tuple[tuple[str, str], ...]


def undated(printed: str) -> str:
    """As it is on every day."""
    return re.sub(r"\d{4}-\d\d-\d\d", "DATE", printed)


def blocks(text: str) -> Iterator[MadeBlock]:
    """Those of the page, in their order."""
    for found in _BLOCK.finditer(text):
        parts = re.split(r"^\$ ", found[1], flags=re.MULTILINE)[1:]
        commands = tuple((part.partition("\n")[0], part.partition("\n")[2]) for part in parts)
        yield MadeBlock(found.start(1), found.end(1), commands)


def history(bootstrap: str) -> None:
    """Of three users and a company, in two partitions and three days of last month; one record is no JSON."""
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    last_month = datetime.now(UTC).replace(day=1) - timedelta(days=20)
    for number in range(60):
        user = f"u-{number % 3 + 1}"
        day = (last_month + timedelta(days=number // 20)).date()
        kind = ("user.signed_up", "order.completed", "page.viewed")[0 if number < 2 else 1 + number % 5 // 4]
        data = {
            "user_id": user,
            "email": f"{'abc'[number % 3] * 3}@example.org",
            "amount": 20 + number,
            "company": {"id": "c-1", "name": "Acme"},
        }
        event = {"type": kind, "id": f"e-{number}", "time": f"{day}T09:00:00Z", "data": data}
        producer.produce(TOPIC, json.dumps(event), partition=number % 2)
    producer.produce(TOPIC, "{", partition=1)
    assert producer.flush(20) == 0


def run(text: str, folder: Path) -> list[tuple[MadeBlock, list[str]]]:
    """What the commands of each block print, typed in this folder."""
    configuration = _CONFIGURATION.search(text)
    assert configuration is not None, "the page has no mapping"
    with EmbeddedKafka({TOPIC: 2}) as kafka:
        history(kafka.bootstrap)
        indented = "".join(f"  {line}\n" for line in configuration[1].splitlines())
        (folder / "bridge.yaml").write_text(_FIRST.format(bootstrap=kafka.bootstrap) + indented)
        return [(each, [_printed(command, folder) for command, _ in each.commands]) for each in blocks(text)]


def _printed(command: str, folder: Path) -> str:
    program, *words = command.split()
    if program == "head":
        return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert program == "track-bridge", command
    call = "import sys; from bridge.cli import entry; sys.exit(entry.run(sys.argv[1:]))"
    environment = os.environ | {"PYTHONPATH": str(PAGE.parents[1]), "BRIDGE_CONFIG": "bridge.yaml"}
    ended = subprocess.run(
        [sys.executable, "-c", call, *words], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.stdout + "".join(line for line in ended.stderr.splitlines(keepends=True) if "Writing:" not in line)


def main() -> None:
    """Write the page again."""
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for block, printed in reversed(run(text, Path(folder))):
            typed = (command for command, _ in block.commands)
            body = "".join(f"$ {command}\n{output}" for command, output in zip(typed, printed, strict=True))
            text = text[: block.start] + body + text[block.end :]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
