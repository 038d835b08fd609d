"""Credentials and permissions that are wrong, change, or are taken away while the bridge runs."""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from bridge.sandbox.emulator import Fault, FaultKind
from tests.integration.faults.conftest import HOSTS
from tests.support.kafka.certificates import Authority, Certificate, issue
from tests.support.kafka.client import ANSWER_WITHIN, OwnKafka
from tests.support.kafka.settings import PASSWORDS, TLS_LISTENER
from tests.support.service.ground import CLASSIC, Ground, protocols
from tests.support.service.marked import NEXT_KEY, REPEATS
from tests.support.waiting import until

USER = "alice"
HOLD_AFTER = 5
"""Letters: the default of `auth.hold_after`."""
WRONG, ANOTHER = "MARKED-wrong-83d2", "MARKED-another-61fa"
SLOW = Fault(kind=FaultKind.ORDINARY, delay=0.02)


def sections(
    kafka: OwnKafka, ca: Path, password: str = PASSWORDS[USER], protocol: dict[str, str] = CLASSIC
) -> dict[str, Any]:
    """SCRAM over TLS, as alice."""
    login = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": USER,
        "sasl.password": password,
        "ssl.ca.location": str(ca),
    }
    connection = {"bootstrap_servers": kafka.tls_bootstrap, "properties": {**protocol, **login}}
    return {"kafka": connection, "delivery": {"max_in_flight": 4}}


def trusted(certificate: Certificate, folder: Path) -> Path:
    path = folder / "ca.pem"
    path.write_text(certificate.ca)
    return path


def allow(ground: Ground) -> None:
    """What the bridge needs, and nothing else."""
    kafka = ground.kafka
    kafka.allow(USER, AclOperation.READ, ResourceType.TOPIC, ground.topic)
    kafka.allow(USER, AclOperation.READ, ResourceType.GROUP, ground.group)
    kafka.allow(USER, AclOperation.WRITE, ResourceType.TOPIC, ground.letters)


async def take_away(ground: Ground, kind: ResourceType, name: str, operation: AclOperation) -> None:
    wanted = AclBindingFilter(
        kind, name, ResourcePatternType.LITERAL, f"User:{USER}", "*", operation, AclPermissionType.ALLOW
    )

    def now() -> None:
        for answer in ground.kafka.admin.delete_acls([wanted]).values():
            assert answer.result(timeout=ANSWER_WITHIN)

    await asyncio.to_thread(now)


async def show(ground: Ground, changed: Certificate | None, first: Certificate) -> None:
    """The broker shows another certificate to whoever connects from now on; None: the one it was started with."""
    changes = {
        "certificate.chain": changed.chain if changed else None,
        "key": changed.key if changed else None,
    }
    entries = [
        ConfigEntry(
            f"listener.name.{TLS_LISTENER.lower()}.ssl.keystore.{name}",
            value,
            incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
        )
        for name, value in changes.items()
    ]
    broker = ConfigResource(ResourceType.BROKER, "1", incremental_configs=entries)

    def now() -> None:
        for answer in ground.kafka.admin.incremental_alter_configs([broker]).values():
            answer.result(timeout=ANSWER_WITHIN)

    await asyncio.to_thread(now)
    wanted = (changed or first).chain
    await until("the broker shows it", lambda: wanted.startswith(shown(ground.kafka).strip()))


def shown(kafka: OwnKafka) -> str:
    """The certificate a client is shown."""
    host, _, port = kafka.tls_bootstrap.rpartition(":")
    return ssl.get_server_certificate((host, int(port)), timeout=ANSWER_WITHIN)


async def set_password(kafka: OwnKafka, password: str) -> None:
    change: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(USER, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode())
    ]

    def now() -> None:
        for answer in kafka.admin.alter_user_scram_credentials(change).values():
            answer.result(timeout=ANSWER_WITHIN)

    await asyncio.to_thread(now)


async def ran(ground: Ground, configuration: Path, *command: str) -> tuple[int, str]:
    """The exit code of a command that ends by itself, and all it said."""
    line = [sys.executable, "-m", "bridge", *command, "-c", str(configuration)]
    ended = await asyncio.to_thread(subprocess.run, line, capture_output=True, text=True, timeout=90, check=False)
    said: str = ended.stdout + ended.stderr
    ground.witness.look(" ".join(command), said)
    return ended.returncode, said


async def test_scram_over_tls_delivers_and_a_wrong_password_or_authority_is_one_sentence_at_start(
    ground: Ground, certificate: Certificate, tmp_path: Path
) -> None:
    ground.create_topic(2)
    await ground.produce(100)
    allow(ground)
    ca = trusted(certificate, tmp_path)
    replica = await ground.started(**sections(ground.kafka, ca))
    await ground.everything()
    await ground.is_committed()
    assert await replica.terminate() == 0

    code, said = await ran(ground, ground.configuration("wrong", sections(ground.kafka, ca, WRONG)), "run")
    ground.outcome.faults["wrong password"] += 1
    assert code == 3
    assert "kafka.bootstrap_servers: cannot connect to any broker in" in said
    assert "uthentication" in said
    assert WRONG not in said
    assert "Traceback" not in said

    ca.write_text(issue("127.0.0.1").ca)
    code, said = await ran(ground, ground.configuration("untrusted", sections(ground.kafka, ca)), "run")
    ground.outcome.faults["unknown authority"] += 1
    assert code == 3
    assert "certificate" in said
    assert "Traceback" not in said


async def test_a_password_that_ends_while_running_loses_nothing_and_the_next_one_goes_on(
    ground: Ground, certificate: Certificate, tmp_path: Path
) -> None:
    """Brokers end the sessions of connections after `connections.max.reauth.ms`; the next login is the one refused."""
    ground.create_topic(2)
    ground.api.set_faults(SLOW)
    await ground.produce(1500)
    allow(ground)
    ca = trusted(certificate, tmp_path)
    replica = await ground.started(**sections(ground.kafka, ca))
    await ground.more(100)
    try:
        await set_password(ground.kafka, ANOTHER)
        await until("it is said", lambda: "uthentication fail" in replica.log_text(), within=60)
        assert (await replica.get("/livez")).status_code == 200
        ground.outcome.faults["password ended"] += 1
        # Without a coordinator the group cannot be left: the watchdog ends what does not end by itself.
        assert await replica.terminate(within=60) in {0, 3}

        next_one = await ground.started("next", **sections(ground.kafka, ca, ANOTHER))
        await ground.everything(within=120)
        await ground.is_committed()
        assert await next_one.terminate() == 0
    finally:
        await set_password(ground.kafka, PASSWORDS[USER])
    assert ground.outcome.order_violations == 0


async def test_a_brokers_certificate_that_expires_while_running_is_called_expired_and_the_next_one_loses_nothing(
    ground: Ground, authority: Authority, certificate: Certificate, tmp_path: Path
) -> None:
    ground.create_topic(2)
    ground.api.set_faults(SLOW)
    await ground.produce(2000)
    allow(ground)
    login = sections(ground.kafka, trusted(certificate, tmp_path))
    replica = await ground.started(**login)
    await ground.more(100)
    short = authority.issue(*HOSTS, lasts=timedelta(seconds=3))
    assert short.ends_at is not None
    try:
        await show(ground, short, certificate)
        await until("it has expired", lambda: datetime.now(UTC) > short.ends_at)
        # Connections that are open stay open. Only those that are made anew are shown that it is over.
        await asyncio.to_thread(ground.kafka.kill)
        await asyncio.to_thread(ground.kafka.start)
        await until("it is said", lambda: "certificate could not be verified" in replica.log_text(), within=60)
        assert re.search(r"bridge check -c \S+` says what is wrong with it", replica.log_text())
        assert (await replica.get("/livez")).status_code == 200
        for command in ("check", "run"):
            code, said = await ran(ground, ground.configuration(command, login), command)
            assert code == 3
            assert f"the certificate of {ground.kafka.tls_bootstrap} has expired" in said
            assert "Traceback" not in said
    finally:
        await show(ground, None, certificate)
    await ground.more(50, fault="certificate expired")
    await ground.everything(within=120)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.order_violations == 0


async def test_a_topics_permission_taken_away_while_running_is_named_and_given_back_loses_nothing(
    ground: Ground, certificate: Certificate, tmp_path: Path
) -> None:
    ground.create_topic(2)
    await ground.produce(50)
    allow(ground)
    replica = await ground.started(**sections(ground.kafka, trusted(certificate, tmp_path)))
    await ground.everything()
    await take_away(ground, ResourceType.TOPIC, ground.topic, AclOperation.READ)
    ground.outcome.faults["topic ACL gone"] += 1
    await ground.produce(50)
    await until("it is said", lambda: "grant it READ" in replica.log_text(), within=60)
    ground.kafka.allow(USER, AclOperation.READ, ResourceType.TOPIC, ground.topic)
    await ground.everything(within=60)
    await ground.is_committed()
    assert await replica.terminate() == 0


@protocols("classic", "consumer")
async def test_a_groups_permission_taken_away_while_running_is_named_and_given_back_loses_nothing(
    ground: Ground, certificate: Certificate, tmp_path: Path, protocol: dict[str, str]
) -> None:
    ground.create_topic(2)
    ground.api.set_faults(SLOW)
    await ground.produce(600)
    allow(ground)
    ca = trusted(certificate, tmp_path)
    replica = await ground.started(**sections(ground.kafka, ca, protocol=protocol))
    await ground.more(50)
    await take_away(ground, ResourceType.GROUP, ground.group, AclOperation.READ)
    await until("it is said", lambda: "READ on the group" in replica.log_text(), within=60)
    ground.kafka.allow(USER, AclOperation.READ, ResourceType.GROUP, ground.group)
    await ground.more(20, fault="group ACL gone")
    await ground.everything(within=120)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.order_violations == 0


async def test_the_dead_letter_topics_permission_taken_away_stops_intake_and_given_back_loses_no_letter(
    ground: Ground, certificate: Certificate, tmp_path: Path
) -> None:
    ground.create_topic(1)
    ground.api.set_faults(
        Fault(kind=FaultKind.STATUS, status=400, body=REPEATS, when=lambda e: bool(e and e.metadata["n"] % 10 == 0))
    )
    await ground.produce(50)
    allow(ground)
    replica = await ground.started(**sections(ground.kafka, trusted(certificate, tmp_path)))
    await until("5 letters are written", lambda: len(ground.dead_letters()) == 5)
    await take_away(ground, ResourceType.TOPIC, ground.letters, AclOperation.WRITE)
    ground.outcome.faults["letters' ACL gone"] += 1
    await ground.produce(50)
    await replica.until("it is said", lambda status: "grant it WRITE" in str(status["blocked"]), within=60)
    assert (await replica.get("/readyz")).status_code == 503
    ground.kafka.allow(USER, AclOperation.WRITE, ResourceType.TOPIC, ground.letters)
    await until("10 letters are written", lambda: len(ground.dead_letters()) == 10, within=60)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert len(ground.missing()) == 10
    ground.take_down()
    ground.outcome.lost -= 10  # they are the letters


async def test_a_key_that_dies_while_running_costs_five_letters_and_its_successor_goes_on_and_sends_them_again(
    ground: Ground,
) -> None:
    ground.create_topic(2)
    ground.kafka.create_topic_named(f"{ground.letters}.resolutions", 4, cleanup_policy="compact")
    ground.api.set_faults(SLOW)
    await ground.produce(600)
    replica = await ground.started(kafka={"properties": CLASSIC}, delivery={"max_in_flight": 64})
    await ground.more(100)
    ground.api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body=REPEATS, delay=0.02))
    await replica.until("it is held", lambda status: "unauthorized" in str(status["blocked"]))
    await until("its letters are written", lambda: len(ground.dead_letters()) == HOLD_AFTER)
    assert (await replica.get("/livez")).status_code == 200

    ground.api.keys = frozenset({NEXT_KEY})
    ground.api.set_faults()
    ground.key_file.write_text(NEXT_KEY)
    await ground.more(50, fault="key died")
    await until("all others are delivered", lambda: len(ground.missing()) == HOLD_AFTER)
    await ground.is_committed()
    assert len(ground.dead_letters()) == HOLD_AFTER
    assert await replica.terminate() == 0

    code, said = await ran(ground, ground.configuration("replay", {}), "dlq", "replay", "--yes")
    assert code == 0, said
    await ground.everything()
    assert len(ground.kafka.read(f"{ground.letters}.resolutions")) >= HOLD_AFTER
    assert ground.outcome.duplicates == 0
