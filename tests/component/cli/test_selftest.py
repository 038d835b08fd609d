"""`track-bridge selftest` as its users run it: a short one, one that is interrupted, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.sandbox.emulator import DEFAULT_KEY
from tests.component.cli.conftest import Cli
from tests.support.waiting import until

pytestmark = pytest.mark.slow(reason="runs the selftest whole, with its processes", seconds=8)

CONFIG = """\
kafka:
  bootstrap_servers: kafka.example:9092
  group_id: mine
  topics: [orders]
track: {{endpoint: analytex.userpilot.io, api_key: {key}}}
dead_letter: {{topic: mine.dlq}}
mapping:
  events:
    order.completed: {{event_name: Order Completed}}
  examples:
    - name: an order
      input: {{type: {type}, data: {{user_id: u-1}}}}
      expect: [{{user_id: u-1, event_name: Order Completed}}]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.yaml"
    path.write_text(CONFIG.format(type="order.completed", key=DEFAULT_KEY))
    return path


async def test_a_short_run_of_ones_own_mapping_loses_nothing_and_keeps_order(
    cli: Cli, config: Path, tmp_path: Path
) -> None:
    options = ("--seed", "5", "--events", "300", "--duration", "5", "--logs", str(tmp_path / "logs"))
    ran = await cli("selftest", "--json", "--config", str(config), *options)
    found = json.loads(ran.out)
    assert (ran.code, found["problems"]) == (0, [])
    assert (found["lost"], found["order_violations"], found["records"]) == (0, 0, 300)
    assert found["arrived"] + sum(found["dead_letters"].values()) == 300
    assert found["faults"]
    assert list((tmp_path / "logs").iterdir())


USERS = """\
kafka:
  bootstrap_servers: kafka.example:9092
  group_id: mine
  topics: [orders]
track: {{endpoint: analytex.userpilot.io, api_key: {key}, unknown_users: identify}}
dead_letter: {{topic: mine.dlq}}
mapping:
  events:
    order.completed: {{event_name: Order Completed}}
    user.joined:
      - identify: {{properties: {{plan: data.plan}}, company: {{id: data.company}}}}
      - company: {{id: data.company, properties: {{size: data.size}}}}
      - {{event_name: User Joined}}
  examples:
    - name: an order
      input: {{type: order.completed, data: {{user_id: u-1}}}}
      expect: [{{user_id: u-1, event_name: Order Completed}}]
    - name: a user
      input: {{type: user.joined, data: {{user_id: u-1, plan: pro, company: acme, size: 3}}}}
      expect:
        - identify: {{user_id: u-1, metadata: {{plan: pro}}, company: {{id: acme}}}}
        - company: {{company_id: acme, metadata: {{size: 3}}}}
        - {{user_id: u-1, event_name: User Joined}}
"""


async def test_users_companies_and_events_come_in_the_order_of_their_steps_whatever_fails(
    cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(USERS.format(key=DEFAULT_KEY))
    ran = await cli("selftest", "--json", "--config", str(path), "--seed", "5", "--events", "300", "--duration", "5")
    found = json.loads(ran.out)
    assert (ran.code, found["problems"]) == (0, [])
    assert (found["lost"], found["order_violations"], found["records"]) == (0, 0, 300)


async def test_the_table_is_for_people(cli: Cli) -> None:
    ran = await cli("selftest", "--events", "100", "--duration", "2", "--replicas", "1")
    assert ran.code == 0, ran.out
    assert "order violations" in ran.out
    assert "Nothing lost, nothing out of order" in ran.out


BROKEN = """\
import sys

if "run" in sys.orig_argv:
    from bridge.pipeline.dispatch.letters import LetterDesk

    LetterDesk._write = lambda desk, work, letter: desk._accepted(work)
elif "selftest" in sys.orig_argv:
    from bridge.selftest import run

    run.SETTLING = 5.0
"""
"""What Python runs first in each process: in those of the replicas a letter counts as written before it is. What never
comes need not be waited for as long as what may."""


@pytest.fixture
def broken_bridge(tmp_path: Path) -> dict[str, str]:
    """Variables under which each replica loses what cannot be delivered."""
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    return {"PYTHONPATH": str(tmp_path)}


async def test_a_bridge_that_loses_events_is_found_out_with_their_places_the_seed_and_1(
    cli: Cli, broken_bridge: dict[str, str]
) -> None:
    options = ("--events", "300", "--duration", "2", "--replicas", "1", "--seed", "4")
    ran = await cli("selftest", *options, environ=broken_bridge)
    assert ran.code == 1, ran.out
    assert "Wrong: lost: " in ran.out
    assert "the same faults again: --seed 4" in ran.out
    assert "Nothing lost" not in ran.out


FORGETFUL = """\
import sys

if "selftest" in sys.orig_argv:
    from bridge.sandbox.feed import Feed

    give = Feed._give

    def give_but_one(self, record):
        if ("bridge-selftest-id", b"000007") not in record.headers:
            give(self, record)

    Feed._give = give_but_one
"""


async def test_a_record_that_never_reached_its_topic_is_no_proof_that_nothing_is_lost(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FORGETFUL)
    options = ("--events", "100", "--duration", "1", "--replicas", "1")
    ran = await cli("selftest", *options, environ={"PYTHONPATH": str(tmp_path)})
    assert ran.code == 1, ran.out
    assert "99 of 100 records are in the topics, and the brokers acknowledged 99" in ran.out


@pytest.fixture
def without_events(config: Path) -> Path:
    """A configuration whose example is filtered."""
    config.write_text(CONFIG.format(type="other", key=DEFAULT_KEY))
    return config


async def test_a_mapping_whose_examples_become_no_event_is_refused_with_one_sentence(
    cli: Cli, without_events: Path
) -> None:
    ran = await cli("selftest", "--config", str(without_events))
    assert ran.code == 2
    assert ran.err.startswith("--config: no example of the mapping becomes an event")


async def test_a_cluster_that_does_not_answer_is_said_to(cli: Cli) -> None:
    ran = await cli("selftest", "--bootstrap", "127.0.0.1:1")
    assert (ran.code, ran.err) == (3, "--bootstrap: cannot connect to any broker in 127.0.0.1:1.\n")


async def test_logs_are_never_mixed_with_what_is_there(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    ran = await cli("selftest", "--logs", str(tmp_path))
    assert (ran.code, ran.err) == (2, f"--logs: {tmp_path} is not empty; name another directory.\n")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A self-test whose replicas run, with enough to do: one of them alone shall not end it before this is seen."""
    logs = tmp_path / "logs"
    command = (sys.executable, "-m", "bridge", "selftest", "--events", "5000", "--logs", str(logs))
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # whoever runs this may do so under nohup
    )

    def both_are_started() -> bool:
        assert process.returncode is None
        return _both_are_started(logs)

    await until("both replicas are started", both_are_started, within=60, explain=lambda: _ends_of(logs))
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


def _ends_of(logs: Path) -> str:
    """What each replica wrote last."""
    return "\n".join(f"{log.name}: {''.join(log.read_text().splitlines()[-1:])}" for log in logs.glob("*.log"))


def _both_are_started(logs: Path) -> bool:
    """And one of them listens: the other, where the machine has no time for it, may do so when all is delivered."""
    written = [log.read_bytes() for log in logs.glob("*.log")]
    return len(written) >= 2 and any(b'"listening"' in each for each in written)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGKILL, -9)],
    ids=["Ctrl-C", "SIGTERM", "the terminal is gone", "kill -9"],
)
async def test_no_process_outlives_it_however_it_ends(
    running: asyncio.subprocess.Process, number: signal.Signals, code: int
) -> None:
    children = _children_of(running.pid)
    assert len(children) == 4  # two replicas, the broker and the keeper
    running.send_signal(number)
    assert await running.wait() == code
    await until(
        "none of its processes lives",
        lambda: not any(_lives(child) for child in children),
        within=60,
        explain=lambda: str([child for child in children if _lives(child)]),
    )


def _children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.exists():
        pytest.skip("only /proc tells whose children there are")
    texts = [(task / "children").read_text() for task in tasks.iterdir()]
    return [int(number) for text in texts for number in text.split()]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
