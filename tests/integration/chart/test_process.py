"""What the chart renders is run: command lines, environment, files, ports and probes, on a real Kafka."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.sandbox.emulator import Emulator
from tests.chart import chart
from tests.chart.chart import Manifest, Rendered
from tests.chart.pods import Pod, pods
from tests.integration.chart.layout import Laid, lay, port
from tests.support.kafka.client import ANSWER_WITHIN, OwnKafka
from tests.support.kafka.launcher import free_ports
from tests.support.kafka.settings import PASSWORDS
from tests.support.service.replica import STARTED_WITHIN
from tests.support.service.settings import layered
from tests.support.waiting import patience, until

API_KEY, NEXT_KEY = "NX-key-of-the-chart", "NX-key-after-that"
SECRETS = {
    "userpilot": {"api-key": f"{API_KEY}\n"},
    "kafka-user": {"username": "admin", "password": PASSWORDS["admin"]},
}
GOOD = b'{"type": "order.completed", "data": {"user": "u-1", "amount": 1}}'
LACKING = b'{"type": "order.completed", "data": {"user": "u-2"}}'


@dataclass
class Cluster:
    """One release's names in a real Kafka, an API, and the values that point there."""

    kafka: OwnKafka
    api: Emulator
    topic: str
    letters: str
    group: str
    folder: Path
    stack: AsyncExitStack

    def values(self, *more: Mapping[str, Any]) -> dict[str, Any]:
        """As somebody would write them, with these over them."""
        amount = {"path": "data.amount", "required": True}
        route = {"event_name": "Order Completed", "metadata": {"amount": amount}}
        values: dict[str, Any] = {
            "config": {
                "kafka": {
                    "bootstrap_servers": self.kafka.sasl_bootstrap,
                    "group_id": self.group,
                    "topics": [self.topic],
                    "start_from": "earliest",
                    "properties": {"security.protocol": "sasl_plaintext", "sasl.mechanism": "SCRAM-SHA-256"},
                },
                "track": {"endpoint": self.api.endpoint, "auth": {"recheck": "200ms"}},
                "delivery": {"rate_limit": "6000/min"},
                "dead_letter": {"topic": self.letters},
                "mapping": {"user_id": "data.user", "events": {"order.completed": route}},
                "observability": {"listen": f"0.0.0.0:{free_ports(1)[0]}"},
            },
            "apiKey": {"existingSecret": "userpilot"},
            "kafkaCredentials": {
                "existingSecret": "kafka-user",
                "files": {"sasl.username": "username", "sasl.password": "password"},
            },
            "topicsCreate": {"enabled": True, "args": ["--partitions", "2", "--replication-factor", "1"]},
            "dlqReplay": {"job": {"enabled": True}, "args": ["--rate", "100%"]},
        }
        for each in more:
            values = layered(values, each)
        return values

    def render(self, *more: Mapping[str, Any]) -> Rendered:
        return chart.render(self.values(*more), self.folder)

    async def run(self, rendered: Rendered, pod: Pod) -> tuple[int | None, str]:
        """A pod that ends by itself: its exit code, and what it wrote."""
        process = await self.start(lay(rendered, pod, SECRETS, self.folder, name=pod.owner["metadata"]["name"]))
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    async def start(self, laid: Laid) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *laid.command,
            cwd=laid.folder("/etc/track-bridge"),  # the image's WORKDIR
            env=laid.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.stack.push_async_callback(_end, process)
        return process


async def _end(process: asyncio.subprocess.Process) -> None:
    """What a test that failed left running."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()


@pytest.fixture
async def cluster(secured_kafka: OwnKafka, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(Emulator(keys=[API_KEY]))
        topic, letters = secured_kafka.create_topic("orders", 2), secured_kafka.name("letters")
        yield Cluster(secured_kafka, api, topic, letters, secured_kafka.name("group"), tmp_path, stack)


@dataclass
class Running:
    """The workload's container."""

    container: Manifest
    process: asyncio.subprocess.Process
    laid: Laid

    def url(self, probe: str) -> str:
        get = self.container[probe]["httpGet"]
        return f"http://127.0.0.1:{port(self.container, get['port'])}{get['path']}"

    async def status(self, url: str) -> int:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                return (await http.get(url)).status_code
        except httpx.TransportError:
            return 0

    async def until_ok(self, probe: str) -> None:
        async def ok() -> bool:
            assert self.process.returncode is None, await self.said()
            return await self.status(self.url(probe)) == httpx.codes.OK

        await until(f"{probe} succeeds", ok, within=STARTED_WITHIN)

    async def said(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.read()).decode()

    async def terminate(self) -> int | None:
        """As a kubelet does it: SIGTERM, and no longer than the grace period."""
        self.process.send_signal(signal.SIGTERM)
        async with patience("it ends within its grace period", within=self.laid.grace):
            await self.process.wait()
        return self.process.returncode


def pod_of(rendered: Rendered, kind: str) -> Pod:
    [found] = [each for each in pods(rendered) if each.owner["kind"] == kind]
    return found


def job_of(rendered: Rendered, component: str) -> Pod:
    jobs = [each for each in pods(rendered) if each.owner["kind"] == "Job" and each.own["name"] == component]
    [found] = jobs
    return found


async def started(cluster: Cluster, rendered: Rendered, name: str = "shop-track-bridge-0") -> Running:
    pod = pod_of(rendered, rendered.workload["kind"])
    laid = lay(rendered, pod, SECRETS, cluster.folder / "workload", name=name)
    running = Running(pod.own, await cluster.start(laid), laid)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        await running.until_ok(probe)
    return running


async def test_every_command_of_the_chart_does_its_part_from_the_first_topic_to_the_last_letter(
    cluster: Cluster,
) -> None:
    rendered = cluster.render()

    code, said = await cluster.run(rendered, job_of(rendered, "topics-create"))
    assert (code, said.count(": created.")) == (0, 2), said
    code, said = await cluster.run(rendered, pod_of(rendered, "Pod"))
    assert code == 0, said

    running = await started(cluster, rendered)
    cluster.kafka.produce(cluster.topic, [("u-1", GOOD), ("u-2", LACKING)])
    await until("the event is delivered", lambda: len(cluster.api.ledger.accepted) == 1)
    await until("the letter is written", lambda: len(cluster.kafka.read(cluster.letters)) == 1)
    await _scraped(rendered, running)
    assert await running.terminate() == 0, await running.said()

    mended = {"config": {"mapping": {"events": {"order.completed": {"metadata": {"amount": "data.amount"}}}}}}
    after = cluster.render(mended)
    code, said = await cluster.run(after, job_of(after, "dlq-replay"))
    assert code == 0, said
    assert [event.user_id for event in cluster.api.ledger.accepted] == ["u-1", "u-2"]
    code, said = await cluster.run(after, pod_of(after, "CronJob"))
    assert code == 0, said  # nothing is left to replay
    assert len(cluster.api.ledger.accepted) == 2


async def _scraped(rendered: Rendered, running: Running) -> None:
    """The Service leads to the metrics."""
    service = rendered.one("Service", rendered.workload["metadata"]["name"])
    target = service["spec"]["ports"][0]["targetPort"]
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        metrics = await http.get(f"http://127.0.0.1:{port(running.container, target)}/metrics")
    assert "track_bridge_records_delivered_total 1.0" in metrics.text


async def test_a_new_key_in_the_mounted_secret_needs_no_restart(cluster: Cluster) -> None:
    rendered = cluster.render({"topicsCreate": {"enabled": False}, "config": {"dead_letter": {"create": True}}})
    running = await started(cluster, rendered)
    cluster.api.keys = frozenset({NEXT_KEY})
    key = Path(running.laid.environment["BRIDGE_TRACK__API_KEY_FILE"])
    fresh = key.with_name("fresh")
    fresh.write_text(NEXT_KEY, encoding="utf-8")
    fresh.replace(key)  # at once, as a kubelet does it
    cluster.kafka.produce(cluster.topic, [("u-1", GOOD)] * 20)
    await until("events arrive under the new key", lambda: len(cluster.api.ledger.accepted) >= 15)
    assert await running.terminate() == 0, await running.said()


async def test_the_pods_of_a_statefulset_are_static_members_of_one_group(cluster: Cluster) -> None:
    config = {"dead_letter": {"create": True}}
    rendered = cluster.render({"workload": "StatefulSet", "topicsCreate": {"enabled": False}, "config": config})
    names = [f"{rendered.workload['metadata']['name']}-{number}" for number in range(2)]
    first = await started(cluster, rendered, names[0])
    other = cluster.render({"workload": "StatefulSet", "topicsCreate": {"enabled": False}, "config": config})
    second = await started(cluster, other, names[1])

    ids = {f"{chart.NAMESPACE}.{name}" for name in names}
    members = await asyncio.to_thread(_instances, cluster)
    assert members == ids
    cluster.kafka.produce(cluster.topic, [(f"u-{n}", GOOD) for n in range(20)])
    await until("both deliver", lambda: len(cluster.api.ledger.accepted) == 20)
    for running in (first, second):
        assert await running.terminate() == 0, await running.said()
    assert await asyncio.to_thread(_instances, cluster) == ids  # they did not leave: they come back


async def test_a_static_member_that_comes_back_under_another_id_repeats_nothing_and_waits_no_longer_than_its_session(
    cluster: Cluster,
) -> None:
    """An upgrade that changes `groupInstanceId` does this to each replica: Kafka waits for the one that is gone."""
    values = {
        "workload": "StatefulSet",
        "topicsCreate": {"enabled": False},
        "config": {"dead_letter": {"create": True}, "kafka": {"properties": {"session.timeout.ms": "6000"}}},
    }
    before = cluster.render({**values, "groupInstanceId": "$(POD_NAME)"})
    pod = f"{before.workload['metadata']['name']}-0"
    first = await started(cluster, before, pod)
    cluster.kafka.produce(cluster.topic, [(f"u-{n}", GOOD) for n in range(10)])
    await until("the first one delivers", lambda: len(cluster.api.ledger.accepted) == 10)
    assert await first.terminate() == 0, await first.said()
    assert await asyncio.to_thread(_instances, cluster) == {pod}

    second = await started(cluster, cluster.render(values), pod)
    assert await asyncio.to_thread(_instances, cluster) == {f"{chart.NAMESPACE}.{pod}"}
    cluster.kafka.produce(cluster.topic, [(f"u-{n}", GOOD) for n in range(10)])
    await until("the second one delivers", lambda: len(cluster.api.ledger.accepted) >= 20)
    assert await second.terminate() == 0, await second.said()
    assert len(cluster.api.ledger.accepted) == 20


def _instances(cluster: Cluster) -> set[str]:
    described = cluster.kafka.admin.describe_consumer_groups([cluster.group])[cluster.group].result(ANSWER_WITHIN)
    return {member.group_instance_id for member in described.members}


async def test_a_hook_with_a_wrong_password_fails_and_says_so(cluster: Cluster) -> None:
    rendered = cluster.render()
    pod = job_of(rendered, "topics-create")
    wrong = SECRETS | {"kafka-user": {"username": "admin", "password": "wrong"}}
    process = await cluster.start(lay(rendered, pod, wrong, cluster.folder, name="wrong"))
    out, _ = await process.communicate()
    assert process.returncode == 3
    assert "uthentication failed" in out.decode()
    assert "Traceback" not in out.decode()


def test_the_documented_statuses_of_the_probes_are_used(cluster: Cluster) -> None:
    """Paths that the program serves, as docs/operations.md lists them."""
    container = cluster.render().container
    served = (chart.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert f"| `{container[probe]['httpGet']['path']}` |" in served
