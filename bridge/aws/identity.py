"""Who AWS takes these keys for: what tells a wrong clock, ended credentials and a missing permission apart."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.aws import credentials, failures
from bridge.aws.sigv4 import AwsKeys


@dataclass(frozen=True, slots=True)
class Identity:
    """An answer of STS."""

    arn: str | None
    """None: AWS does not take the keys, or did not answer."""
    sentence: str
    """Without its full stop."""


def identity(keys: AwsKeys, region: str) -> Identity:
    """Ask STS of the region. Blocks for some seconds at most; raises nothing: `keys` came by way of botocore."""
    try:
        sts = credentials.session_of(region).create_client(
            "sts",
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.session_token,
        )
        arn = str(sts.get_caller_identity()["Arn"])
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told beside what was found before
        return Identity(None, failures.sentence(error))
    return Identity(arn, f"AWS knows the credentials as {arn}")
