"""What a registry says of itself, for `track-bridge check`: it answers, takes the login, and is of which version."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from bridge.registry.apis.apicurio import API
from bridge.registry.apis.confluent import ACCEPT
from bridge.registry.apis.replies import failure_of, no_registry
from bridge.registry.outcomes import HttpReply, LookupResult, RegistryFailure, UnknownReference
from bridge.registry.transport.session import Session
from bridge.text.printable import cut, printable

Kind = Literal["confluent", "apicurio", "glue"]
_NOBODYS: Final = "glue:00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class RegistryAbout:
    """One address that answers as a registry, and takes the login."""

    url: str
    product: str | None
    """``Apicurio Registry (SQL) 3.3.3``; None where it does not say."""


async def ask(session: Session, kind: Kind) -> RegistryAbout:
    """Raises `RegistryFailure` where it is no registry, or does not take the login."""
    match kind:
        case "confluent":
            return await _confluent(session)
        case "apicurio":
            return await _apicurio(session)
        case "glue":
            return await _glue(session)


async def _confluent(session: Session) -> RegistryAbout:
    """``/subjects`` is guarded wherever anything is, and every registry of this kind has it."""
    found = _json(await session.get("/subjects?offset=0&limit=1", ACCEPT), session)
    if not isinstance(found, list):
        raise RegistryFailure(
            LookupResult.WRONG_ADDRESS, f"{session.address} does not answer as a schema registry: check its path"
        )
    version = await _optional(session, "/v1/metadata/version")
    named = version.get("version") if isinstance(version, dict) else None
    return RegistryAbout(session.address.base, f"Schema Registry {_shown(named)}" if named else None)


async def _apicurio(session: Session) -> RegistryAbout:
    own = "" if API in session.address.base else API
    found = _json(await session.get(own + "/search/artifacts?limit=1", ACCEPT), session)
    if not isinstance(found, dict) or "artifacts" not in found:
        raise RegistryFailure(LookupResult.WRONG_ADDRESS, f"{session.address} does not answer as Apicurio's own API")
    info = await _optional(session, own + "/system/info")
    if not isinstance(info, dict) or not info.get("version"):
        return RegistryAbout(session.address.base, None)
    return RegistryAbout(session.address.base, f"{_shown(info.get('name'))} {_shown(info['version'])}")


async def _glue(session: Session) -> RegistryAbout:
    """No version of a schema has this id: what may ask for one is told that it is not there."""
    from bridge.registry.apis import glue  # noqa: PLC0415 - few use it

    with contextlib.suppress(UnknownReference):
        await glue.fetch(session, _NOBODYS)
    return RegistryAbout(session.address.base, "AWS Glue")


async def _optional(session: Session, path: str) -> Any:
    reply = await session.get(path, ACCEPT)
    try:
        return orjson.loads(reply.body) if reply.status == 200 else None
    except orjson.JSONDecodeError:
        return None


def _json(reply: HttpReply, session: Session) -> Any:
    if reply.status != 200:
        raise failure_of(reply, str(session.address))
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise RegistryFailure(LookupResult.WRONG_ADDRESS, no_registry(reply, str(session.address))) from None


def _shown(text: Any) -> str:
    return cut(printable(str(text)), 60)
