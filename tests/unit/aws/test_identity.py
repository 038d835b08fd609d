"""Whom AWS takes the credentials for: with the real botocore and an STS on loopback."""

from __future__ import annotations

import pytest

from bridge.aws.credentials import AwsCredentials
from bridge.aws.failures import AwsLoginError
from bridge.aws.identity import identity
from bridge.aws.sigv4 import AwsKeys
from bridge.kafka.login.msk_login import MskLogin
from tests.support.aws import Aws, sts_refusal

REGION = "eu-central-1"
KEYS = AwsKeys("AKID", "s3cret", "t0ken")
ARN = "arn:aws:sts::123456789012:assumed-role/bridge/track-bridge"
KNOWN = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>{ARN}</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@pytest.fixture
def sts(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    return aws


def login(keys: AwsKeys | AwsLoginError) -> MskLogin:
    def ask() -> AwsKeys:
        if isinstance(keys, AwsLoginError):
            raise keys
        return keys

    return MskLogin(REGION, credentials=AwsCredentials(REGION, ask=ask))


def test_credentials_that_aws_takes_are_told_by_their_arn(sts: Aws) -> None:
    sts.answer = lambda *_: (200, KNOWN)
    assert identity(KEYS, REGION).arn == ARN
    assert login(KEYS).known_as() == f"AWS knows the credentials as {ARN}"
    assert sts.asked == ["GetCallerIdentity"] * 2


def test_credentials_that_aws_does_not_take_are_told_with_its_reason_and_never_themselves(sts: Aws) -> None:
    sts.answer = lambda *_: sts_refusal("ExpiredToken", "The security token included in the request is expired")
    found = identity(KEYS, REGION)
    assert found.arn is None
    assert "expired" in found.sentence
    assert not {"s3cret", "t0ken"} & set(found.sentence.split())


def test_where_there_are_no_credentials_the_reason_is_what_is_told() -> None:
    assert login(AwsLoginError("nobody has any")).known_as() == "nobody has any"
