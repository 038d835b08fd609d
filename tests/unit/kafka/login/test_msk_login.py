"""The login with real Kafka clients, which find no broker and need none."""

from __future__ import annotations

import base64
import gc
import logging
import subprocess
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.aws.credentials import AwsCredentials
from bridge.aws.failures import AwsLoginError
from bridge.aws.sigv4 import AwsKeys
from bridge.config.sections import AwsIam, DeadLetterSettings, Kafka
from bridge.kafka import client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.login import msk_login
from bridge.kafka.login.msk_login import MskLogin

NOW = 1_790_000_000.0
KAFKA = Kafka(
    bootstrap_servers="127.0.0.1:1",
    group_id="bridge",
    topics=("orders",),
    aws_iam=AwsIam(region="eu-central-1"),
    properties={"security.protocol": "sasl_plaintext", "log_level": "0"},
)
QUIET = logging.getLogger("tests.quiet")
QUIET.setLevel(logging.CRITICAL)


class Chain:
    """In place of AWS'."""

    def __init__(self) -> None:
        self.answer: AwsKeys | Exception = AwsKeys("AKID", "s3cret")
        self.asked = 0

    def __call__(self) -> AwsKeys:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def login(chain: Chain, clock: Clock) -> MskLogin:
    return MskLogin("eu-central-1", credentials=AwsCredentials("x", ask=chain, clock=clock), clock=clock)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    msk_login._shared.cache_clear()
    yield
    msk_login._shared.cache_clear()


def test_a_token_is_made_of_the_keys_and_ends_in_a_quarter_of_an_hour() -> None:
    text, ends_at = login(Chain(), Clock()).token()
    url = base64.urlsafe_b64decode(text + "==").decode()
    assert url.startswith("https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect&")
    assert "User-Agent=track-bridge%2F" in url
    assert ends_at == NOW + 900.0


def test_tokens_are_made_for_hours_from_credentials_that_are_renewed() -> None:
    chain, clock = Chain(), Clock()
    made = login(chain, clock)
    for n in range(30):
        chain.answer = AwsKeys(f"AKID{n}", "s", "t", clock.now + 3600.0)
        text, ends_at = made.token()
        assert ends_at == clock.now + 900.0
        assert f"AKID{n}%2F" in base64.urlsafe_b64decode(text + "==").decode()
        clock.now += 720.0
    assert made.problem is None


def test_a_failure_is_kept_with_its_sentence_since_the_first_and_gone_with_the_next_token() -> None:
    chain, clock = Chain(), Clock()
    chain.answer = AwsLoginError("STS is away")
    made = login(chain, clock)
    for _ in range(3):
        with pytest.raises(AwsLoginError, match=r"^kafka\.aws_iam: STS is away$"):
            made.token()
        clock.now += 10.0
    assert made.problem is not None
    assert (made.problem.sentence, made.problem.since) == ("kafka.aws_iam: STS is away", NOW)
    assert not made.problem.gets_in
    chain.answer = AwsKeys("AKID", "s")
    made.token()
    assert made.problem is None


def test_credentials_that_cannot_be_renewed_are_told_while_they_still_serve() -> None:
    chain, clock = Chain(), Clock()
    chain.answer = AwsKeys("AKID", "s", "t", NOW + 600.0)
    made = login(chain, clock)
    assert made.token()[1] == NOW + 600.0
    clock.now += 300.0
    chain.answer = AwsLoginError("STS is away")
    assert made.token()[1] == NOW + 600.0
    assert made.problem is not None
    assert made.problem.gets_in
    assert made.problem.sentence == "kafka.aws_iam: STS is away; the credentials of before still hold"
    clock.now += 300.0
    with pytest.raises(AwsLoginError, match="STS is away"):
        made.token()
    assert not made.problem.gets_in


def test_credentials_that_have_ended_are_a_failure_and_no_token_that_brokers_refuse() -> None:
    chain, clock = Chain(), Clock()
    made = login(chain, clock)
    for ended in (0.0, 60.0):
        chain.answer = AwsKeys("AKID", "s", "t", NOW - ended)
        with pytest.raises(AwsLoginError, match=r"^kafka\.aws_iam: the AWS credentials have ended, and no new ones"):
            made.token()
        assert made.problem is not None
        assert not made.problem.gets_in
    chain.answer = AwsKeys("AKID", "s", "t", NOW + 1.0)
    assert made.token()[1] == NOW + 1.0
    assert made.problem is None


@pytest.mark.usefixtures("environment")
def test_all_clients_have_the_one_login_over_whatever_properties_say() -> None:
    letters = DeadLetterSettings(topic="letters")
    configurations: list[dict[str, Any]] = [
        client.consumer_configuration(KAFKA),
        client.producer_configuration(KAFKA, letters),
        client.admin_configuration(KAFKA),
    ]
    logins = {each["oauth_cb"].__self__ for each in configurations}
    assert logins == {msk_login.login_of(KAFKA)}
    assert {each["sasl.mechanism"] for each in configurations} == {"OAUTHBEARER"}
    plain = KAFKA.model_copy(update={"properties": {}})
    assert client.security_of(plain) == "sasl_ssl"
    assert "oauth_cb" not in client.admin_configuration(KAFKA.model_copy(update={"aws_iam": None}))


@pytest.mark.slow
@pytest.mark.usefixtures("environment")
def test_each_kind_of_client_opens_with_it() -> None:
    log = ClientLog(QUIET)
    client.open_consumer(client.consumer_configuration(KAFKA), log, lambda *_: None).close()
    client.open_reader(KAFKA, log).close()
    client.open_producer(client.producer_configuration(KAFKA, DeadLetterSettings(topic="letters")), log)
    client.open_admin(client.admin_configuration(KAFKA), log)


@pytest.mark.usefixtures("environment")
def test_a_login_that_fails_is_the_sentence_and_no_client_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    began: list[str] = []
    monkeypatch.setattr(client, "AdminClient", lambda *_, **__: began.append("client"))
    with pytest.raises(AwsLoginError, match=r"kafka\.aws_iam: no AWS credentials: The config profile \(nobody\)"):
        client.open_admin(client.admin_configuration(KAFKA), ClientLog(QUIET))
    assert began == []


@pytest.mark.slow
@pytest.mark.usefixtures("environment")
def test_a_client_is_freed_though_its_login_lives() -> None:
    opened = client.open_admin(client.admin_configuration(KAFKA), ClientLog(QUIET))
    gone = weakref.ref(opened)
    del opened
    gc.collect()
    assert gone() is None
    assert msk_login.login_of(KAFKA) is not None


@pytest.mark.slow
def test_a_process_with_such_clients_ends_though_its_chain_hangs() -> None:
    """The client's background thread asks for tokens while the interpreter goes."""
    code = (
        "import logging, threading, time\n"
        "from tests.unit.kafka.login.test_msk_login import KAFKA, QUIET\n"
        "from bridge.aws.credentials import AwsCredentials\n"
        "from bridge.aws.sigv4 import AwsKeys\n"
        "from bridge.kafka import client\n"
        "from bridge.kafka.client_log import ClientLog\n"
        "from bridge.kafka.login import msk_login\n"
        "asked = []\n"
        "def ask():\n"
        "    asked.append(1)\n"
        "    if len(asked) > 1: threading.Event().wait()\n"
        "    return AwsKeys('A', 's', 't', time.time() + 61.0)\n"
        "login = msk_login.MskLogin('eu-central-1', credentials=AwsCredentials('x', ask=ask))\n"
        "msk_login._shared = lambda *_: login\n"
        "opened = client.open_admin(client.admin_configuration(KAFKA), ClientLog(QUIET))\n"
        "print('opened', flush=True)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "opened\n"), ran.stderr


@pytest.mark.slow
def test_credentials_that_end_while_a_client_is_made_are_a_login_that_fails_and_no_wrong_properties() -> None:
    """The client waits ten seconds for a token, and then blames nobody."""
    chain, clock = Chain(), Clock()
    chain.answer = AwsKeys("AKID", "s3cret", None, NOW + 30.0)
    once = login(chain, clock)

    def token(config: str = "", within: float = 5.0) -> tuple[str, float]:
        made = once.token(config, within)
        chain.answer = AwsLoginError("nobody has any")
        return made

    configuration = {**client.admin_configuration(KAFKA), client.OAUTH_CB: token}
    with pytest.raises(AwsLoginError, match=r"^kafka\.aws_iam: nobody has any$") as failed:
        client.open_admin(configuration, ClientLog(QUIET))
    assert failed.value.may_heal
