"""The login at Kafka yields no token at the start: the pages say so, and the bridge goes on once one comes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.exits import ExitCode
from bridge.kafka.login import msk_login
from bridge.service import login_wait
from bridge.service.preflight import NotReadyError
from tests.component.service.conftest import Configure, StartProcess
from tests.support.aws import Aws, sts_refusal
from tests.support.service.in_process import Service
from tests.support.waiting import until

NOBODY = "127.0.0.1:1"
"""No broker: what is asked of it is asked after the login."""
NOT_FOUND = "kafka.aws_iam: no AWS credentials found; asked: the environment (AWS_ACCESS_KEY_ID)"


def over(**iam: str) -> dict[str, Any]:
    """The section `kafka`."""
    return {
        "bootstrap_servers": NOBODY,
        "aws_iam": {"region": "eu-central-1", **iam},
        "properties": {"security.protocol": "sasl_plaintext"},
    }


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where files of AWS may be, and nothing else of it; attempts follow each other at once."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setattr(login_wait, "AGAIN", 0.1)
    msk_login._shared.cache_clear()
    yield tmp_path
    msk_login._shared.cache_clear()


def found(home: Path) -> None:
    """From now on there are credentials."""
    (home / "credentials").write_text("[default]\naws_access_key_id = AKIDONE\naws_secret_access_key = MARKED-41c7\n")


@pytest.mark.slow(reason="asks for credentials again after the wait between two questions", seconds=6)
async def test_the_pages_say_that_there_are_no_credentials_and_the_start_goes_on_once_there_are(
    configure: Configure, home: Path
) -> None:
    async with Service(configure(kafka=over())) as service:
        await service.until("it is said", lambda: service.now().login.problem is not None)

        assert (await service.get("/livez")).status_code == 200
        readiness = await service.get("/readyz")
        assert readiness.status_code == 503
        [reason] = readiness.json()["reasons"]
        assert reason["reason"] == "kafka_unreachable"
        assert NOT_FOUND in reason["message"]
        status = await service.status()
        assert status["state"] == "waiting"
        assert NOT_FOUND in status["sentence"]
        assert status["kafka"]["reachable"] is False
        assert status["kafka"]["login_problem"].startswith(NOT_FOUND)
        [login] = status["needs_someone"]
        assert login["reason"] == "kafka_login"
        assert login["since"] is not None
        # What TrackBridgeKafkaUnreachable fires for.
        assert 'track_bridge_blocked{reason="kafka_unreachable"} 1.0' in (await service.get("/metrics")).text

        found(home)
        await service.until("there is a login", lambda: service.now().login.problem is None)
        await service.until("Kafka is asked", lambda: bool(service.lines.events("kafka_lost")))
        [failed] = service.lines.events("login_failed")
        assert failed["detail"] == status["kafka"]["login_problem"]
        assert len(service.lines.events("login_back")) == len(service.lines.events("listening")) == 1
        assert b"MARKED" not in service.lines.text


@pytest.mark.slow(reason="asks for credentials again after the wait between two questions", seconds=6)
async def test_credentials_that_end_between_the_first_token_and_the_clients_are_waited_for(
    configure: Configure, home: Path
) -> None:
    ends_soon_and_is_given_once(home)
    async with Service(configure(kafka=over())) as service:
        await service.until("it is said", lambda: service.now().login.problem is not None)
        assert (await service.get("/livez")).status_code == 200
        (home / "back").touch()
        await service.until("there is a login", lambda: service.now().login.problem is None)
        await service.until("Kafka is asked", lambda: bool(service.lines.events("kafka_lost")))
        assert len(service.lines.events("login_failed")) == len(service.lines.events("login_back")) == 1


def ends_soon_and_is_given_once(home: Path) -> None:
    """Credentials that are too old to be used on, from a process that has no others until there is a file."""
    ends = (datetime.now(UTC) + timedelta(seconds=58)).isoformat()
    given = {"Version": 1, "AccessKeyId": "AKIDONE", "SecretAccessKey": "s", "Expiration": ends}
    (home / "given").write_text(json.dumps(given))
    # botocore asks twice for the first ones: it renews at once what ends so soon.
    script = home / "credentials.sh"
    script.write_text(
        f"echo >> {home}/asked\n[ -e {home}/back ] || [ $(wc -l < {home}/asked) -le 2 ] || exit 1\ncat {home}/given\n"
    )
    (home / "config").write_text(f"[default]\ncredential_process = sh {script}\n")


@pytest.mark.slow(reason="waits until a question for credentials is given up", seconds=6)
async def test_a_chain_that_hangs_is_named_and_its_late_answer_is_taken(
    configure: Configure, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_wait, "PATIENCE", 0.2)
    answer = hanging(home)
    async with Service(configure(kafka=over())) as service:
        await service.until("it is said", lambda: service.now().login.problem is not None)
        assert "a link of the chain hangs" in (service.now().login.problem or "")
        await answer()
        await service.until("there is a login", lambda: service.now().login.problem is None)
        assert len(service.lines.events("login_failed")) == 1


async def test_a_start_that_waits_for_a_chain_that_hangs_stops_when_told_to(configure: Configure, home: Path) -> None:
    answer = hanging(home)
    async with Service(configure(kafka=over())) as service:
        assert (await service.get("/livez")).status_code == 200
        assert (await service.stop()).code == 0
    await answer()
    assert [line["event"] for line in map(json.loads, service.lines.text.splitlines())] == [
        "listening",
        "stopping",
        "stopped",
    ]


def hanging(home: Path) -> Any:
    """A process that gives credentials once what is returned is awaited."""
    os.mkfifo(home / "answer")
    (home / "config").write_text(f"[default]\ncredential_process = cat {home / 'answer'}\n")
    given = json.dumps({"Version": 1, "AccessKeyId": "AKIDONE", "SecretAccessKey": "s"})
    return lambda: asyncio.to_thread((home / "answer").write_text, given)


@pytest.mark.usefixtures("home")
@pytest.mark.slow(reason="waits for credentials as long as it is allowed to", seconds=2)
async def test_a_start_that_may_wait_only_for_so_long_ends_with_3_and_one_sentence(replica: StartProcess) -> None:
    process = await replica(kafka={**over(), "start_timeout": "1s"})
    assert await process.ended(within=60) == 3
    [*events, said] = process.log_text().splitlines()
    assert [json.loads(line)["event"] for line in events] == ["listening", "login_failed"]
    assert NOT_FOUND in said


async def test_a_role_that_is_none_ends_the_start_at_once_and_one_that_is_refused_does_not(
    configure: Configure, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(home)
    file = configure(kafka=over(role_arn="arn:aws:iam::123456789012:role/bridge"))
    with closing(Aws()) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
        aws.answer = lambda *_: sts_refusal("AccessDenied", "not authorized")
        async with Service(file) as service:
            await service.until("it is said", lambda: service.now().login.problem is not None)
            assert "AWS refuses AssumeRole: AccessDenied" in (service.now().login.problem or "")
            assert (await service.stop()).code == 0
        aws.answer = lambda *_: sts_refusal("ValidationError", "it is invalid")
        await ends_at_once(file, "kafka.aws_iam: AWS refuses AssumeRole: ValidationError: it is invalid. To do: see")


@pytest.mark.usefixtures("home")
async def test_a_library_that_is_missing_ends_the_start_at_once(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botocore.config", None)
    await ends_at_once(configure(kafka=over()), "kafka.aws_iam: botocore is not installed: pip install")


async def ends_at_once(file: Path, sentence: str) -> None:
    with pytest.raises(NotReadyError) as refused:
        await ended(file)
    assert refused.value.sentences[0].startswith(sentence)
    assert refused.value.exit_code is ExitCode.USAGE


async def ended(file: Path) -> None:
    async with Service(file) as service:
        await until("it ends", service.running.done)
        await service.running
