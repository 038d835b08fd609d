"""The permissions of docs/production.md, granted to the letter on a real broker that denies everything else."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AclOperation,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from bridge.sandbox.emulator import Emulator
from tests.integration.conftest import KafkaFactory
from tests.support.kafka.client import ANSWER_WITHIN, OwnKafka
from tests.support.service import settings
from tests.support.service.replica import Replica
from tests.support.service.settings import API_KEY
from tests.support.waiting import until

PAGE = Path(__file__).parents[3] / "docs" / "production.md"
TOPIC, GROUP, LETTERS = "shop.orders", "userpilot-bridge", "userpilot-bridge.dlq"
PASSWORD = "password-of-the-test"  # made up
MAPPING: settings.Section = {
    "user_id": "data.user",
    "events": {"order.completed": {"event_name": "Order Completed", "metadata": {"amount": "data.amount"}}},
}
STRICT: settings.Section = {
    "user_id": "data.user",
    "events": {
        "order.completed": {
            "event_name": "Order Completed",
            "metadata": {"amount": {"path": "data.amount", "required": True}},
        }
    },
}

# --- what the page says ------------------------------------------------------------------------------


def lines(block: str) -> list[str]:
    """The commands of one block."""
    found = re.search(rf"^```sh acl={block}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found, block
    return found[1].splitlines()


def acl_variable() -> str:
    [line] = re.findall(r"^ACL=.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return str(line)


def expanded(commands: list[str]) -> list[list[str]]:
    """The words that a shell gives to kafka-acls.sh for these commands."""
    script = "\n".join(['kafka-acls.sh() { printf "%s\\0" "$@"; printf "\\n"; }', acl_variable(), *commands])
    ran = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    return [line.rstrip("\0").split("\0") for line in ran.stdout.splitlines()]


def parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--add", action="store_true", required=True)
    for option in ("--bootstrap-server", "--command-config", "--allow-principal"):
        parser.add_argument(option, required=True)
    parser.add_argument("--operation", action="append", required=True)
    for option in ("--topic", "--group"):
        parser.add_argument(option)
    parser.add_argument("--resource-pattern-type", choices=("literal", "prefixed"), default="literal")
    return parser.parse_args(words)


def operation(word: str) -> AclOperation:
    return AclOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).upper()]


def grant(kafka: OwnKafka, user: str, commands: list[str]) -> None:
    for options in map(parsed, expanded(commands)):
        assert options.allow_principal == "User:bridge"
        kind, name = (ResourceType.TOPIC, options.topic) if options.topic else (ResourceType.GROUP, options.group)
        for word in options.operation:
            prefixed = options.resource_pattern_type == "prefixed"
            kafka.allow(user, operation(word), kind, name, prefixed=prefixed)


# --- a broker and its users --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secured() -> Iterator[OwnKafka]:
    with ExitStack() as stack:
        kafka = KafkaFactory(stack)(sasl=True, acl=True)
        kafka.create_topic_named(TOPIC, 2)
        # Of a group that has never been there the brokers do not say who may do what.
        member = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": GROUP, "log_level": 0})
        member.commit(offsets=[TopicPartition(TOPIC, 0, 0)], asynchronous=False)
        member.close()
        yield kafka


User = Callable[..., str]


@pytest.fixture
def user(secured: OwnKafka) -> User:
    """``user("run", "replay")`` makes one that may do what these blocks say, and returns its name."""

    def make(*blocks: str, without: str = "") -> str:
        name = secured.name("user")
        secret = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        change = UserScramCredentialUpsertion(name, secret, PASSWORD.encode())
        for answer in secured.admin.alter_user_scram_credentials([change]).values():
            answer.result(timeout=ANSWER_WITHIN)
        for block in blocks:
            grant(secured, name, [line for line in lines(block) if line != without])
        return name

    return make


@pytest.fixture
async def api() -> AsyncIterator[Emulator]:
    async with Emulator(keys=[API_KEY]) as emulator:
        yield emulator


Configured = Callable[..., Path]


@pytest.fixture
def configured(secured: OwnKafka, api: Emulator, tmp_path: Path) -> Configured:
    def write(name: str, mapping: settings.Section = MAPPING) -> Path:
        base = settings.base(secured.sasl_bootstrap, api.endpoint, [TOPIC])
        login = {
            "security.protocol": "sasl_plaintext",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": name,
            "sasl.password": PASSWORD,
        }
        own = {
            "kafka": {"group_id": GROUP, "properties": login | settings.SESSION},
            "dead_letter": {"topic": LETTERS},
            "delivery": {"rate_limit": "6000/min"},
            "mapping": None,
        }
        whole = settings.layered(base, own) | {"mapping": mapping}
        return settings.write(tmp_path / f"{name}.yaml", whole)

    return write


async def bridge(file: Path, *arguments: str) -> tuple[int | None, str]:
    """A command with ``--json``, where it has that: its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *arguments, "-c", str(file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(os.environ),
    )
    out, _ = await process.communicate()
    assert b"Traceback" not in out, out.decode()
    return process.returncode, out.decode()


def permissions(document: str) -> list[tuple[str, str]]:
    findings: list[Mapping[str, Any]] = json.loads(document)["findings"]
    return [(each["level"], each["what"]) for each in findings if each["area"] == "Permissions"]


# --- the promises ------------------------------------------------------------------------------------


def test_every_command_of_the_page_is_one_that_kafka_acls_takes() -> None:
    for block in ("run", "replay", "create", "settings"):
        for options in map(parsed, expanded(lines(block))):
            assert bool(options.topic) != bool(options.group)
            assert [operation(word) for word in options.operation]


async def test_what_the_page_grants_is_enough_for_each_thing_it_names(
    secured: OwnKafka, user: User, configured: Configured, api: Emulator, tmp_path: Path
) -> None:
    creator = configured(user("run", "create"))
    code, said = await bridge(creator, "topics", "create", "--yes", "--replication-factor", "1")
    assert (code, said.count(": created.")) == (0, 2), said

    runner = configured(user("run"), STRICT)
    code, said = await bridge(runner, "check", "--json")
    assert [level for level, _ in permissions(said)] == ["ok"], said

    secured.produce(TOPIC, [("u-1", b'{"type": "order.completed", "data": {"user": "u-1", "amount": 1}}')])
    secured.produce(TOPIC, [("u-2", b'{"type": "order.completed", "data": {"user": "u-2"}}')])
    async with Replica(runner, tmp_path / "runner.log") as replica:
        await replica.until("one is delivered, one is a letter", lambda status: bool(_done(status) == (1, 1)))

        async def counted() -> bool:
            return 'track_bridge_open_dead_letters{reason="unmappable"} 1.0' in (await replica.get("/metrics")).text

        await until("the open letter is counted", counted, explain=replica.log_text)
        assert await replica.terminate() == 0
        for refusal in ("rate_view_refused", "commit_failed", "dead_letter_refused"):
            assert replica.events(refusal) == []
    code, said = await bridge(runner, "dlq", "stats")
    assert (code, "1 open dead letter" in said) == (1, True), said
    code, said = await bridge(runner, "dlq", "replay", "--yes")
    assert code not in {0, 70}, said

    replayer = configured(user("run", "replay"))
    code, said = await bridge(replayer, "dlq", "replay", "--rate", "100%", "--yes")
    assert code == 0, said
    assert [event.user_id for event in api.ledger.accepted] == ["u-1", "u-2"]
    code, said = await bridge(replayer, "dlq", "stats")
    assert code == 0, said


def _done(status: Mapping[str, Any]) -> tuple[int, int]:
    return status["accounting"]["delivered"], status["accounting"]["dead_lettered"]


async def test_settings_are_seen_only_where_the_page_grants_that(user: User, configured: Configured) -> None:
    _, without = await bridge(configured(user("run")), "check", "--json")
    _, granted = await bridge(configured(user("run", "settings")), "check", "--json")
    assert len(json.loads(granted)["findings"]) >= 1
    assert json.loads(granted)["findings"] != json.loads(without)["findings"]


@pytest.mark.parametrize("line", [line for line in lines("run") if "--operation Read" in line])
async def test_without_a_line_of_the_page_the_check_says_what_is_missing(
    secured: OwnKafka, user: User, configured: Configured, line: str
) -> None:
    for name in (LETTERS, f"{LETTERS}.resolutions"):
        if name not in secured.admin.list_topics(timeout=ANSWER_WITHIN).topics:
            secured.create_topic_named(name, 2)
    _, said = await bridge(configured(user("run", without=line)), "check", "--json")
    levels = {
        each["level"]
        for each in json.loads(said)["findings"]
        if each["area"] in {"Permissions", "Kafka", "Dead letters"}
    }
    assert levels - {"ok", "note"}, said
