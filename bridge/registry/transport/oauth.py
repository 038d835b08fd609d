"""Log in with a token got with client credentials (RFC 6749, 4.4), kept until shortly before it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import orjson

from bridge.registry.apis.replies import failure_of
from bridge.registry.outcomes import HttpReply, LookupResult, RegistryFailure
from bridge.registry.transport.addresses import RegistryAddress
from bridge.registry.transport.http import Dial
from bridge.registry.transport.logins import Question, SecretFile, basic, hidden, without_secrets
from bridge.text.printable import cut, printable

_UNSTATED_LIFE: Final = 300.0
"""Seconds for a token that does not say how long it lives."""
_EARLY: Final = 60.0
"""Seconds before its end from which a token is not used any more, or a fifth of its life where that is less."""


class OAuthLogin:
    """See `RegistryLogin`. The secret is read for every token."""

    def __init__(
        self,
        endpoint: RegistryAddress,
        client_id: str,
        secret: SecretFile,
        *,
        scope: str | None,
        more: Mapping[str, str],
        dial: Dial,
        clock: Callable[[], float],
    ) -> None:
        """`more` are headers for the registry, beside the token. `clock`: monotonic seconds."""
        self._endpoint = endpoint
        self._client_id = client_id
        self._secret = secret
        self._scope = scope
        self._more = more
        self._dial = dial
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._one_at_a_time = asyncio.Lock()
        self._in_body = False
        """The endpoint takes the secret in the body only."""

    async def signed(self, question: Question) -> Mapping[str, str]:
        """See `RegistryLogin`."""
        async with self._one_at_a_time:
            if not self._token or self._clock() >= self._until:
                await self._get()
        return {**question.headers, "Authorization": f"Bearer {self._token}", **self._more}

    def refused(self) -> None:
        """A token may be withdrawn before its end."""
        self._token = ""

    def changed(self) -> bool:
        """See `RegistryLogin`."""
        return self._secret.changed()

    def scrub(self, text: str) -> str:
        """See `RegistryLogin`."""
        return self._secret.scrub(self._secret.scrub_made(hidden(text, self._token), self._basic))

    def _basic(self, secret: str) -> str:
        """The header's value for the token endpoint."""
        return basic(quote_plus(self._client_id), quote_plus(secret))

    async def _get(self) -> None:
        secret = self._secret.read()
        line = self._dial(self._endpoint)
        try:
            reply = await self._ask(line.ask, secret, in_body=self._in_body)
            if (reply.status in {400, 401} and _code(reply) == "invalid_client") or reply.status == 401:
                # Each server supports one of the two for sure, and it is not always the one of the standard.
                other = await self._ask(line.ask, secret, in_body=not self._in_body)
                if other.status == 200:
                    self._in_body, reply = not self._in_body, other
        finally:
            await line.aclose()
        self._take(reply)

    async def _ask(self, ask: Callable[..., Any], secret: str, *, in_body: bool) -> HttpReply:
        form = {"grant_type": "client_credentials"}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._scope:
            form["scope"] = self._scope
        if in_body:
            form |= {"client_id": self._client_id, "client_secret": secret}
        else:
            headers["Authorization"] = self._basic(secret)
        reply: HttpReply = await ask("POST", self._endpoint.base, headers, urlencode(form).encode("ascii"))
        return without_secrets(reply, self.scrub)

    def _take(self, reply: HttpReply) -> None:
        where = f"the token endpoint {self._endpoint}"
        found = _object(reply)
        if reply.status != 200:
            if reply.status < 500 and reply.status not in {408, 425, 429}:
                code = _code(reply) or "it does not say why"
                said = f"{where} gives no token for schema_registry.oauth ({reply.status}: {cut(printable(code), 200)})"
                raise RegistryFailure(LookupResult.LOGIN, said)
            raise failure_of(reply, where)
        token, lives = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise RegistryFailure(LookupResult.LOGIN, f"{where} answers without an access_token")
        life = _seconds(lives)
        self._token = token
        self._until = self._clock() + life - min(_EARLY, life / 5)


def _seconds(lives: Any) -> float:
    try:
        life = float(lives)
    except (TypeError, ValueError):
        return _UNSTATED_LIFE
    return life if 0 < life < 10**9 else _UNSTATED_LIFE


def _object(reply: HttpReply) -> Mapping[str, Any]:
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _code(reply: HttpReply) -> str:
    """The error's name, as RFC 6749 has it, with its description."""
    found = _object(reply)
    code = found.get("error")
    return code if isinstance(code, str) else ""
