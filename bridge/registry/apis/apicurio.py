"""Apicurio's own API (v3), which looks its global ids and its contents' ids up.

Seen on 3.3.3: a schema comes as it was registered, with a media type and without the kind of schema, unless
``returnArtifactType=true`` asks for it where a global id is looked up; a 404 that names an exception such as
``ContentNotFoundException`` is of what was looked for, one with ``NotFoundException`` of the path. ``references`` are
those of this one schema; each of them has its own.
"""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import quote

import orjson

from bridge.decode.protocol import Schema
from bridge.registry.apis.descriptors import as_descriptor
from bridge.registry.apis.references import Collected, Needed
from bridge.registry.apis.replies import FORMS, check, no_registry
from bridge.registry.outcomes import HttpReply, LookupResult, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.transport.session import Session

API: Final = "/apis/registry/v3"
"""Where its own API is, below the address of the program."""
_ACCEPT: Final = {"Accept": "*/*"}


async def fetch(session: Session, reference: str) -> Schema:
    """The schema with all it refers to. Raises the signals of `outcomes`."""
    kind, _, key = reference.partition(":")
    match kind:
        # What its serializers write since version 3 where Confluent writes its ids.
        case "id" | "contentId":
            path, what = f"/ids/contentIds/{key}", f"content id {key}"
        case "globalId":
            path, what = f"/ids/globalIds/{key}", f"global id {key}"
        case "guid":
            raise UnusableSchema(f"the record refers to a schema by GUID ({key}), which Apicurio cannot look up")
        case _:
            raise UnusableSchema(f"the record refers to {reference}, which Apicurio does not know of")
    return await _read(session, path, what)


async def newest(session: Session, subject: str) -> tuple[str, Schema]:
    """The reference and the schema of an artifact's newest version, in the group ``default``. Raises as `fetch`."""
    path, what = (
        f"/groups/default/artifacts/{quote(subject, safe='')}/versions/branch=latest",
        f"the artifact {subject}",
    )
    found = _json(await _get(session, path, what), session, what)
    if not isinstance(found, dict) or not isinstance(found.get("contentId"), int):
        raise UnusableSchema(f"the registry's answer for {what} has no contentId")
    reference = f"contentId:{found['contentId']}"
    return reference, await fetch(session, reference)


async def _read(session: Session, path: str, what: str) -> Schema:
    kind = "?returnArtifactType=true" if "globalIds" in path else ""
    reply = await _get(session, path + kind, what)
    form = _form(reply, what)
    collected = Collected(what, text := _text(reply, form, what))

    async def read(needed: Needed) -> tuple[str, list[Needed]]:
        where = f"/groups/{quote(needed.group, safe='')}/artifacts/{quote(needed.subject, safe='')}"
        where += f"/versions/{quote(needed.version, safe='')}"
        name = f"version {needed.version} of the artifact {needed.subject}, to which {needed.by} refers"
        inner = _text(await _get(session, f"{where}/content", name), form, name)
        return inner, await _references(session, f"{where}/references", name)

    await collected.follow(await _references(session, f"{path}/references", what), read)
    return Schema(form, text, collected.references())


async def _get(session: Session, path: str, what: str) -> HttpReply:
    own = "" if API in session.address.base else API
    reply = await session.get(own + path, _ACCEPT)
    if reply.status == 404:
        name = _problem(reply).get("name")
        if isinstance(name, str) and name.endswith("NotFoundException") and name != "NotFoundException":
            raise UnknownReference(what)
        raise RegistryFailure(LookupResult.WRONG_ADDRESS, no_registry(reply, str(session.address)), status=404)
    check(reply, str(session.address), what)
    if reply.headers.get("content-type", "").startswith("text/html"):
        raise RegistryFailure(LookupResult.WRONG_ADDRESS, no_registry(reply, str(session.address)), status=200)
    return reply


async def _references(session: Session, path: str, what: str) -> list[Needed]:
    listed = _json(await _get(session, path, what), session, what)
    if not isinstance(listed, list):
        raise UnusableSchema(f"the registry's answer for the references of {what} is no list")
    found = []
    for each in listed:
        if not isinstance(each, dict) or not all(isinstance(each.get(key), str) for key in ("name", "artifactId")):
            raise UnusableSchema(f"{what} has a reference that names no artifact")
        group = each.get("groupId") or "default"
        found.append(Needed(each["name"], each["artifactId"], str(each.get("version")), what, str(group)))
    return found


def _text(reply: HttpReply, form: str, what: str) -> str:
    try:
        text = reply.body.decode()
    except UnicodeDecodeError:
        raise UnusableSchema(f"{what} is not UTF-8 text") from None
    if form != "protobuf":
        return text
    return as_descriptor(text) or text


def _form(reply: HttpReply, what: str) -> Literal["avro", "protobuf", "json"]:
    """By the header, where it is there, else by what the schema is: Avro and JSON Schema have one media type."""
    named = reply.headers.get("x-registry-artifacttype")
    if named is not None:
        if named not in FORMS:
            raise UnusableSchema(f"{what} is of the type {named}; the bridge reads AVRO, PROTOBUF and JSON")
        return FORMS[named]
    if "json" not in reply.headers.get("content-type", ""):
        return "protobuf"
    return form_of_json(reply.body)


def form_of_json(text: bytes) -> Literal["avro", "json"]:
    """Which of the two a schema in JSON is."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "avro"  # its decoder says what is wrong with it
    if not isinstance(found, dict):
        return "avro" if isinstance(found, str | list) else "json"
    if "$schema" in found or found.get("type") in {None, "object", "number", "integer"}:
        return "json"
    return "avro"


def _problem(reply: HttpReply) -> dict[str, Any]:
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _json(reply: HttpReply, session: Session, what: str) -> Any:
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        sentence = no_registry(reply, f"{session.address} (asked for {what})")
        raise RegistryFailure(LookupResult.WRONG_ADDRESS, sentence, status=reply.status) from None
