"""docs/runbook.md on a real Kafka: what it has of Kafka's own tools, and committed offsets set after a stop."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.sandbox.emulator import Emulator
from tests.support.docs import commands
from tests.support.docs.commands import Command
from tests.support.kafka import command_line
from tests.support.kafka.client import Kafka
from tests.support.kafka.jars import JarsUnavailableError
from tests.support.service import settings
from tests.support.service.replica import Replica, done

PAGE = commands.text_of("runbook")
PAGES = ("runbook", "production", "dead-letters", "operations")
TYPED = list({each.text: each for each in commands.commands(PAGE) if each.program == "kafka"}.values())
SETTING = list({each.text: each for each in commands.commands(PAGE) if each.words[1:3] == ["offsets", "set"]}.values())
RECORDS = 6
VALUE = b'{"type": "order.completed", "data": {"user": "u-1", "n": 1}}'


@dataclass
class Ground:
    """A bridge on a real Kafka that has done some records, and a shell beside both."""

    replica: Replica
    kafka: Kafka
    folder: Path
    topic: str
    group: str
    config: Path

    def type(self, command: Command, **names: str) -> tuple[int, str]:
        """The exit code and all that was printed, of the command with names that exist here."""
        own = {"TOPIC": self.topic, "GROUP": self.group, **names}
        setting_up = [
            commands.block(PAGE, "kafka").replace("kafka-1:9092", self.kafka.bootstrap),
            commands.block(PAGE, "host"),
            f'export BRIDGE_CONFIG={self.config} PATH="{self.folder}/bin:{Path(sys.executable).parent}:$PATH"',
            "unset ${!BRIDGE_OBS*}",  # its socket is where it is by itself
        ]
        ran = subprocess.run(
            ["bash", "-c", "\n".join([*setting_up, command.typed(own)])],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={key: value for key, value in os.environ.items() if not key.startswith("BRIDGE_")},
            cwd=self.folder,
        )
        return ran.returncode, f"$ {command.typed(own)}\n{ran.stdout}{ran.stderr}"

    async def typed(self, command: Command, **names: str) -> tuple[int, str]:
        """The same, while the bridge and its API go on."""
        return await asyncio.to_thread(self.type, command, **names)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return command_line.write(tmp_path_factory.mktemp("kafka") / "bin")
    except JarsUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
async def ground(kafka: Kafka, scripts: Path, tmp_path: Path) -> AsyncIterator[Ground]:
    (tmp_path / "bin").symlink_to(scripts)
    (tmp_path / "admin.properties").touch()
    topic, letters, group = kafka.create_topic("orders", 2), kafka.name("letters"), kafka.name("group")
    for name in (letters, f"{letters}.resolutions"):
        kafka.create_topic_named(name, 2)
    async with Emulator(keys=[settings.API_KEY]) as api:
        base = settings.base(kafka.bootstrap, api.endpoint, [topic])
        own = {"kafka": {"group_id": group}, "dead_letter": {"topic": letters}}
        file = settings.write(tmp_path / "bridge.yaml", settings.layered(base, own))
        kafka.produce(topic, [("u-1", VALUE)] * RECORDS, partition=0)
        async with Replica(file, tmp_path / "replica.log") as replica:
            await replica.until("all is done", done(RECORDS))
            yield Ground(replica, kafka, tmp_path, topic, group, file)
            if replica.running:
                await replica.terminate()


def one(*words: str) -> Command:
    """The only command of the page with all of these words."""
    (found,) = [each for each in TYPED if set(words) <= set(each.words)]
    return found


async def test_kafkas_own_tools_take_every_command_of_the_page(ground: Ground, kafka: Kafka) -> None:
    apart = [one("transactions", "abort"), one("transactions", "find-hanging")]
    for command in [each for each in TYPED if each not in apart]:
        code, said = await ground.typed(command)
        assert (code, "Exception" in said) == (0, False), said
        if "--describe" in command.words and "configs" in command.words:
            assert "Dynamic configs for topic" in said, said
        if "--state" in command.words:
            assert "Stable" in said, said

    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": kafka.name("id"), "log_level": 0})
    await asyncio.to_thread(producer.init_transactions, 60)
    producer.begin_transaction()
    producer.produce(ground.topic, b"{}", partition=1)
    await asyncio.to_thread(producer.flush, 60)
    kafka.produce(ground.topic, [("u-1", VALUE)], partition=1)
    code, said = await ground.typed(apart[1], N="1")
    assert code == 0, said
    code, said = await ground.typed(apart[0], N="0", PARTITION="1")
    assert code == 0, said
    await ground.replica.until("what was behind the transaction is delivered", done(RECORDS + 1))


async def test_the_session_of_a_group_is_set_as_the_page_about_production_says(ground: Ground) -> None:
    """These brokers' own minimum is low already."""
    text = commands.text_of("production")
    [command] = [each for each in commands.commands(text) if "consumer.session.timeout.ms=15000" in each.text]
    assert command.words[:3] == ["kafka-configs.sh", "--bootstrap-server", "kafka-1:9092"]
    here = Command(0, command.text.replace("kafka-1:9092", ground.kafka.bootstrap))
    code, said = await ground.typed(Command(0, here.text.replace("userpilot-bridge", ground.group)))
    assert (code, "Completed updating" in said) == (0, True), said


async def test_after_a_stop_the_group_is_empty_and_its_offsets_are_set_as_the_page_says(ground: Ground) -> None:
    state = one("consumer-groups", "--state")
    assert await ground.replica.terminate() == 0
    code, said = await ground.typed(state)
    assert (code, "Empty" in said) == (0, True), said
    assert len(SETTING) >= 3
    for command in SETTING:
        code, said = await ground.typed(command, N="9")
        assert code == 0, said
    code, said = await ground.typed(Command(0, "track-bridge offsets show"))
    assert (code, f"{ground.topic}/0" in said) == (0, True), said
