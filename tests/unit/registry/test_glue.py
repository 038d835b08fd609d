from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from bridge.aws.sigv4 import AwsKeys
from bridge.config.keys import registry_url
from bridge.decode.protocol import Schema
from bridge.errors import InvalidError, Unreachable
from bridge.registry.apis import glue
from bridge.registry.outcomes import RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.source import RegistrySource
from bridge.registry.transport.addresses import RegistryAddress
from bridge.registry.transport.aws import AwsLogin
from bridge.registry.transport.http import Line
from bridge.registry.transport.tls import TlsFiles
from tests.support.registry.server import FakeRegistry, Reply

ID: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"
KEYS: Final = AwsKeys("AKIDEXAMPLE", "secret", "session")
FOUND: Final = {"SchemaVersionId": ID, "SchemaDefinition": '"string"', "DataFormat": "AVRO", "Status": "AVAILABLE"}


def client(registry: FakeRegistry, keys: Any = lambda: KEYS) -> RegistrySource:
    address = RegistryAddress.parse(registry.url + "?region=eu-central-1")
    tls = TlsFiles(None, None, None).context()
    return RegistrySource(
        [address],
        AwsLogin("eu-central-1", keys, lambda: datetime(2026, 11, 29, 16, 0, tzinfo=UTC)),
        lambda to: Line(to, tls=tls, proxy=None, timeout=5),
        kind="glue",
        fetch=glue.fetch,
        newest=glue.newest,
        clock=lambda: 0.0,
    )


async def test_a_schema_version_is_one_signed_question(registry: FakeRegistry) -> None:
    registry.always(Reply.of(200, FOUND))
    assert await client(registry).fetch(f"glue:{ID}") == (Schema("avro", '"string"'), registry.url)
    (asked,) = registry.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == ("POST", "/", {"SchemaVersionId": ID})
    assert asked.headers["x-amz-target"] == "AWSGlue.GetSchemaVersion"
    assert asked.headers["content-type"] == "application/x-amz-json-1.1"
    assert asked.headers["x-amz-security-token"] == "session"
    assert asked.headers["x-amz-date"] == "20261129T160000Z"
    assert "Credential=AKIDEXAMPLE/20261129/eu-central-1/glue/aws4_request" in asked.headers["authorization"]


async def test_the_newest_version_of_a_schema_is_found_by_its_registry_and_name(registry: FakeRegistry) -> None:
    registry.always(Reply.of(200, FOUND))
    assert await client(registry).newest("shop/orders") == (f"glue:{ID}", Schema("avro", '"string"'))
    assert json.loads(registry.asked[0].body) == {
        "SchemaId": {"RegistryName": "shop", "SchemaName": "orders"},
        "SchemaVersionNumber": {"LatestVersion": True},
    }


async def test_protobuf_is_the_text_of_its_file(registry: FakeRegistry) -> None:
    registry.always(Reply.of(200, {**FOUND, "DataFormat": "PROTOBUF", "SchemaDefinition": 'syntax = "proto3";'}))
    assert (await client(registry).fetch(f"glue:{ID}"))[0] == Schema("protobuf", 'syntax = "proto3";')


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (Reply.of(400, {"__type": "com.amazon#AccessDeniedException", "Message": "no glue"}), "login", "no glue"),
        (Reply.of(400, {"__type": "InvalidSignatureException", "message": "Signature expired"}), "login", "expired"),
        (Reply.of(400, {"__type": "UnrecognizedClientException", "message": "token"}), "login", "Unrecognized"),
        (Reply.of(403, {"message": "Forbidden"}), "login", "403"),
        (Reply.of(400, {"__type": "ThrottlingException", "message": "Rate exceeded"}), "rate_limited", "later"),
        (
            Reply.of(400, {"__type": "InvalidInputException", "message": "what"}),
            "refused",
            "InvalidInputException: what",
        ),
        (Reply.of(500, {"__type": "InternalServiceException"}), "server_error", "500"),
        (Reply(400, b"<html>", "text/html"), "wrong_address", "text/html"),
        (Reply(200, b"<html>", "text/html"), "wrong_address", "text/html"),
    ],
)
async def test_what_aws_refuses_is_a_trouble(registry: FakeRegistry, reply: Reply, kind: str, says: str) -> None:
    registry.always(reply)
    with pytest.raises(RegistryFailure, match=says) as found:
        await client(registry).fetch(f"glue:{ID}")
    assert found.value.kind == kind


async def test_what_is_not_there_or_pending_is_unknown_and_deleted_versions_decode(registry: FakeRegistry) -> None:
    registry.always(Reply.of(400, {"__type": "EntityNotFoundException", "Message": "not found"}))
    with pytest.raises(UnknownReference, match=f"schema version {ID}"):
        await client(registry).fetch(f"glue:{ID}")
    registry.always(Reply.of(200, {**FOUND, "Status": "PENDING"}))
    with pytest.raises(UnknownReference):
        await client(registry).fetch(f"glue:{ID}")
    registry.always(Reply.of(200, {**FOUND, "Status": "DELETING"}))
    assert (await client(registry).fetch(f"glue:{ID}"))[0].form == "avro"


async def test_an_id_of_another_registry_is_decided(registry: FakeRegistry) -> None:
    with pytest.raises(UnusableSchema, match="refers to id:42, which is none of AWS Glue's"):
        await client(registry).fetch("id:42")


async def test_no_credentials_are_a_trouble_of_the_login(registry: FakeRegistry) -> None:
    def none() -> AwsKeys:
        raise Unreachable("no AWS credentials found")

    with pytest.raises(RegistryFailure, match="AWS Glue: no AWS credentials found") as found:
        await client(registry, none).fetch(f"glue:{ID}")
    assert found.value.kind == "login"
    assert registry.asked == []


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://glue.eu-central-1.amazonaws.com", "eu-central-1"),
        ("https://glue.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("https://glue-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-0a1-b2.glue.eu-west-1.vpce.amazonaws.com", "eu-west-1"),
        ("https://proxy.example?region=us-east-1", "us-east-1"),
    ],
)
def test_the_region_is_that_of_the_address(url: str, region: str) -> None:
    assert registry_url.region_of(*registry_url.normalise(url)) == region


def test_an_address_without_a_region_is_refused() -> None:
    with pytest.raises(InvalidError, match="names no region of AWS"):
        registry_url.region_of("https://glue.example.com", None)
