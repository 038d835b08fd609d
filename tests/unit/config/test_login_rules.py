from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.config.load import Loaded

Load = Callable[..., Loaded]
MSK = "b-1.shop.abc123.c2.kafka.eu-central-1.amazonaws.com:9098"


def with_iam(changed: Load, servers: str = MSK, iam: str = "{region: eu-central-1}", **properties: str) -> list[str]:
    """What is wrong with it, by key."""
    written = "".join(f"    {name}: {value}\n" for name, value in properties.items())
    loaded = changed(
        "kafka:\n  bootstrap_servers: localhost:9092\n",
        f"kafka:\n  bootstrap_servers: {servers}\n  aws_iam: {iam}\n"
        + (f"  properties:\n{written}" if properties else ""),
    )
    return [f"{each.where} {each.message}" for each in loaded.problems]


@pytest.mark.parametrize(
    "servers",
    [
        MSK,
        MSK.replace("9098", "9198"),
        "boot-abc123.c2.kafka-serverless.eu-central-1.amazonaws.com:9098",
        "kafka.internal.example:9098,127.0.0.1:9098",
    ],
)
def test_a_region_is_enough(changed: Load, servers: str) -> None:
    assert with_iam(changed, servers) == []


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1", "us-isob-east-1", "ap-southeast-7"])
def test_regions_of_all_partitions_are_taken(changed: Load, region: str) -> None:
    assert with_iam(changed, "kafka.internal.example:9098", f"{{region: {region}}}") == []


def test_a_role_is_taken_and_what_is_none_is_refused(changed: Load) -> None:
    role = "arn:aws-cn:iam::123456789012:role/path/bridge"
    assert with_iam(changed, iam=f"{{region: eu-central-1, role_arn: '{role}'}}") == []
    [problem] = with_iam(changed, iam="{region: eu-central-1, role_arn: bridge}")
    assert problem.startswith("kafka.aws_iam.role_arn must be the ARN of a role")


@pytest.mark.parametrize("region", ["EU-Central-1", "frankfurt", "eu-central-1a"])
def test_what_is_no_region_is_refused(changed: Load, region: str) -> None:
    [problem] = with_iam(changed, "kafka:9098", f"{{region: {region}}}")
    assert problem == "kafka.aws_iam.region must be the region of the cluster, such as eu-central-1"


def test_a_region_that_is_not_the_brokers_is_refused(changed: Load) -> None:
    [problem] = with_iam(changed, iam="{region: us-east-1}")
    assert "is us-east-1, and the brokers of kafka.bootstrap_servers are in eu-central-1" in problem


@pytest.mark.parametrize(("port", "what"), [("9096", "SCRAM"), ("9094", "TLS"), ("9092", "plaintext")])
def test_a_port_of_msk_for_something_else_is_refused(changed: Load, port: str, what: str) -> None:
    [problem] = with_iam(changed, MSK.replace("9098", port))
    assert problem.startswith(f"kafka.bootstrap_servers port {port} of MSK is for {what}")
    assert "9098" in problem


@pytest.mark.parametrize(
    "properties",
    [
        {"sasl.mechanism": "SCRAM-SHA-512"},
        {"sasl.mechanisms": "AWS_MSK_IAM"},
        {"sasl.username": "bridge"},
        {"sasl.password": "x"},
        {"sasl.oauthbearer.method": "oidc"},
        {"security.protocol": "ssl"},
        {"security.protocol": "sasl_plaintext"},
    ],
)
def test_a_property_that_contradicts_it_is_refused(changed: Load, properties: dict[str, str]) -> None:
    [problem] = with_iam(changed, **properties)
    assert problem.startswith(f"kafka.properties.{next(iter(properties))} ")
    assert "kafka.aws_iam" in problem


def test_what_it_sets_by_itself_may_be_written_too(changed: Load) -> None:
    assert with_iam(changed, **{"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}) == []
    assert with_iam(changed, **{"ssl.ca.location": "/etc/ca.pem", "client.id": "x"}) == []


def test_a_token_goes_in_clear_to_this_machine_only(changed: Load) -> None:
    clear = {"security.protocol": "sasl_plaintext"}
    assert with_iam(changed, "127.0.0.1:9098,localhost:9098", **clear) == []
    assert len(with_iam(changed, "127.0.0.1:9098,kafka-1:9098", **clear)) == 1


def test_confluents_own_login_with_aws_is_refused_with_the_one_that_may_be_meant(changed: Load) -> None:
    loaded = changed(
        "kafka:\n",
        "kafka:\n  properties:\n    security.protocol: sasl_ssl\n    sasl.mechanism: OAUTHBEARER\n"
        "    sasl.oauthbearer.method: oidc\n    sasl.oauthbearer.metadata.authentication.type: aws_iam\n",
    )
    [problem] = loaded.problems
    assert "for Amazon MSK set kafka.aws_iam" in problem.message


@pytest.mark.parametrize(
    ("name", "value", "is_enough"),
    [
        ("sasl.oauthbearer.method", "oidc", True),
        ("enable.sasl.oauthbearer.unsecure.jwt", "true", True),
        ("sasl.oauthbearer.method", "default", False),
        ("client.id", "x", False),
    ],
)
def test_a_login_by_tokens_that_nobody_gives_is_refused(
    changed: Load, name: str, value: str, *, is_enough: bool
) -> None:
    properties = f"security.protocol: sasl_ssl, sasl.mechanism: OAUTHBEARER, {name}: '{value}'"
    loaded = changed("kafka:\n", f"kafka:\n  properties: {{{properties}}}\n")
    assert [each.where for each in loaded.problems] == ([] if is_enough else ["kafka.properties.sasl.mechanism"])
