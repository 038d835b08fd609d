"""Log in to AWS Glue: every question is signed, with whatever keys AWS' chain finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from bridge.aws.sigv4 import AwsKeys, Signing, signed_headers
from bridge.errors import BridgeError
from bridge.registry.outcomes import LookupResult, RegistryFailure
from bridge.registry.transport.logins import Question


class AwsLogin:
    """See `RegistryLogin`."""

    def __init__(
        self,
        region: str,
        keys: Callable[[], AwsKeys],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`keys` may wait for the network, and raises `BridgeError` with a sentence where there are none."""
        self._region = region
        self._keys = keys
        self._now = now

    async def signed(self, question: Question) -> Mapping[str, str]:
        """See `RegistryLogin`."""
        try:
            keys = await asyncio.to_thread(self._keys)
        except BridgeError as error:
            raise RegistryFailure(LookupResult.LOGIN, f"schema_registry, AWS Glue: {error}") from None
        signing = Signing(self._region, "glue", self._now())
        return signed_headers(keys, question.method, question.url, question.headers, question.body, signing)

    def refused(self) -> None:
        """The chain is asked for each question, and renews what ends."""

    def changed(self) -> bool:
        """See `RegistryLogin`."""
        return False

    def scrub(self, text: str) -> str:
        """A signature is of one question, and what an answer repeats of it is no secret."""
        return text
