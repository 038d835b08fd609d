"""Credentials and permissions that are wrong, change, or are taken away while the bridge runs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from bridge.sandbox.emulator import Fault, FaultKind
from tests.kafka.certificates import Certificate, issue
from tests.kafka.client import ANSWER_WITHIN, OwnKafka
from tests.kafka.settings import PASSWORDS
from tests.service.ground import CLASSIC, Ground
from tests.service.waiting import until

USER = "alice"
SLOW = Fault(kind=FaultKind.ORDINARY, delay=0.02)


def sections(kafka: OwnKafka, ca: Path, password: str = PASSWORDS[USER]) -> dict[str, Any]:
    """SCRAM over TLS, as alice."""
    login = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": USER,
        "sasl.password": password,
        "ssl.ca.location": str(ca),
    }
    connection = {"bootstrap_servers": kafka.tls_bootstrap, "properties": {**CLASSIC, **login}}
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


async def set_password(kafka: OwnKafka, password: str) -> None:
    change: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(USER, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode())
    ]

    def now() -> None:
        for answer in kafka.admin.alter_user_scram_credentials(change).values():
            answer.result(timeout=ANSWER_WITHIN)

    await asyncio.to_thread(now)


async def refused(configuration: Path) -> tuple[int, str]:
    """The exit code and what was said on standard error by a bridge that may not start."""
    command = [sys.executable, "-m", "bridge", "run", "-c", str(configuration)]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=90, check=False)
    return ran.returncode, ran.stderr


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

    code, said = await refused(ground.configuration("wrong", sections(ground.kafka, ca, "not-the-password")))
    ground.outcome.faults["wrong password"] += 1
    assert code == 3
    assert "kafka.bootstrap_servers: no broker of" in said
    assert "uthentication" in said
    assert "not-the-password" not in said
    assert "Traceback" not in said

    ca.write_text(issue("127.0.0.1").ca)
    code, said = await refused(ground.configuration("untrusted", sections(ground.kafka, ca)))
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
        await set_password(ground.kafka, "another")
        await until("it is said", lambda: "uthentication fail" in replica.log_text(), within=60)
        assert (await replica.get("/livez")).status_code == 200
        ground.outcome.faults["password ended"] += 1
        # Without a coordinator the group cannot be left: the watchdog ends what does not end by itself.
        assert await replica.terminate(within=60) in {0, 3}

        next_one = await ground.started("next", **sections(ground.kafka, ca, "another"))
        await ground.everything(within=120)
        await ground.is_committed()
        assert await next_one.terminate() == 0
    finally:
        await set_password(ground.kafka, PASSWORDS[USER])
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


async def test_a_groups_permission_taken_away_while_running_is_named_and_given_back_loses_nothing(
    ground: Ground, certificate: Certificate, tmp_path: Path
) -> None:
    ground.create_topic(2)
    ground.api.set_faults(SLOW)
    await ground.produce(600)
    allow(ground)
    replica = await ground.started(**sections(ground.kafka, trusted(certificate, tmp_path)))
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
        Fault(kind=FaultKind.STATUS, status=400, when=lambda e: bool(e and e.metadata["n"] % 10 == 0))
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
