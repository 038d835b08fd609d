"""The token of Amazon MSK's IAM login: the presigned URL of a request that is never made, in base64. Pure.

Held byte for byte to AWS' own signer (aws-msk-iam-sasl-signer-python 1.0.2) by the tests. Two things differ on purpose:
the name of the program at its end, and when it is said to end: theirs always says a quarter of an hour, also where the
credentials end sooner, and then each login in between fails.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from bridge.aws.sigv4 import AwsKeys, Signing, presigned_url

LIFETIME: Final = 900
"""Seconds a token is good for, if the credentials last as long."""
_SERVICE: Final = "kafka-cluster"
_ACTION: Final = "kafka-cluster%3AConnect"


@dataclass(frozen=True, slots=True)
class MskToken:
    """Good for clusters and serverless clusters of its region."""

    text: str = field(repr=False)
    ends_at: float
    """Epoch seconds."""


def msk_token(keys: AwsKeys, region: str, now: float, user_agent: str) -> MskToken:
    """`now` is in epoch seconds. AWS' signers name this host in all partitions: it is signed and never resolved."""
    at = datetime.fromtimestamp(int(now), UTC)
    url = f"https://kafka.{region}.amazonaws.com/?Action={_ACTION}"
    signed = presigned_url(keys, url, Signing(region, _SERVICE, at), LIFETIME)
    named = f"{signed}&User-Agent={quote(user_agent, '')}"
    ends_at = float(int(now) + LIFETIME)
    return MskToken(
        base64.urlsafe_b64encode(named.encode()).decode().rstrip("="),
        ends_at if keys.ends_at is None else min(ends_at, keys.ends_at),
    )
