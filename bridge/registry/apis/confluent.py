"""Confluent's API, as Confluent, Karapace, Redpanda and (below ``/apis/ccompat/v7``) Apicurio serve it.

Seen on Apicurio 3.3.3, beside what its documentation says:

* ``/schemas/guids/…`` and every other path that is not there answer 404 with an empty body, called JSON.
* A Protobuf schema comes back as it was registered: ``.proto`` text, or base64 of a descriptor where a client of
  Confluent for Python or .NET registered it.
* ``?format=serialized`` is a JSON text with the descriptor's bytes as characters, through UTF-8, so that every byte
  above 7f is lost; with a package in the file, or for what was registered as base64, it is a 500. It is asked for
  where the plain answer is ``.proto`` text, and used where what comes is a descriptor; otherwise the text is. For Avro
  it is a 400.
* ``?deleted=true`` and ``?subject=`` are taken and do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from bridge.decode.protocol import Schema
from bridge.registry.apis.descriptors import as_descriptor
from bridge.registry.apis.references import Collected, Needed
from bridge.registry.apis.replies import FORMS, read_confluent
from bridge.registry.outcomes import RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.transport.session import Session

ACCEPT: Final = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
_CANNOT: Final = frozenset({400, 404, 406, 422, 500})
"""How registries answer that cannot write a schema as a descriptor, or not this one."""


async def fetch(session: Session, reference: str) -> Schema:
    """The schema with all it refers to. Raises the signals of `outcomes`."""
    kind, _, key = reference.partition(":")
    match kind:
        # Apicurio's ids in this API are those of contents.
        case "id" | "contentId":
            path, what = f"/schemas/ids/{key}", f"schema id {key}"
        case "guid":
            path, what = f"/schemas/guids/{key}", f"schema GUID {key}"
        case "globalId":
            raise UnusableSchema(
                f"the record refers to Apicurio's global id {key}, which only schema_registry.type: apicurio looks up"
            )
        case "glue":
            raise UnusableSchema(
                f"the record refers to version {key} in AWS Glue, which only schema_registry.type: glue looks up"
            )
        case _:
            raise UnusableSchema(f"{reference} is no reference to a schema")
    return await _read(session, path, what)


async def newest(session: Session, subject: str) -> tuple[str, Schema]:
    """The reference and the schema of a subject's newest version. Raises the signals of `outcomes`."""
    path, what = f"/subjects/{quote(subject, safe='')}/versions/latest", f"the subject {subject}"
    answer = await _ask(session, path, what)
    return f"id:{answer.get('id')}", await _with_references(session, path, what, answer)


async def _read(session: Session, path: str, what: str) -> Schema:
    return await _with_references(session, path, what, await _ask(session, path, what))


async def _ask(session: Session, path: str, what: str) -> Mapping[str, Any]:
    return read_confluent(await session.get(path, ACCEPT), str(session.address), what)


async def _with_references(session: Session, path: str, what: str, answer: Mapping[str, Any]) -> Schema:
    form = _form(answer, what)
    text = await _text(session, path, what, answer)
    collected = Collected(what, text)

    async def read(needed: Needed) -> tuple[str, list[Needed]]:
        where = f"/subjects/{quote(needed.subject, safe='')}/versions/{needed.version}?deleted=true"
        name = f"version {needed.version} of the subject {needed.subject}, to which {needed.by} refers"
        found = await _ask(session, where, name)
        return await _text(session, where, name, found), _references(found, name)

    await collected.follow(_references(answer, what), read)
    return Schema(form, text, collected.references())


def _form(answer: Mapping[str, Any], what: str) -> Any:
    named = answer.get("schemaType") or "AVRO"
    form = FORMS.get(named) if isinstance(named, str) else None
    if form is None:
        raise UnusableSchema(f"{what} is of the type {named}; the bridge reads AVRO, PROTOBUF and JSON")
    return form


async def _text(session: Session, path: str, what: str, answer: Mapping[str, Any]) -> str:
    """The schema's text in the form that `Schema` has."""
    text = answer.get("schema")
    if not isinstance(text, str):
        raise UnusableSchema(f"the registry's answer for {what} has no schema")
    if _form(answer, what) != "protobuf":
        return text
    return as_descriptor(text) or await _serialized(session, path, what) or text


async def _serialized(session: Session, path: str, what: str) -> str | None:
    """The schema as a descriptor; None where this registry cannot write it as one."""
    try:
        answer = await _ask(session, f"{path}{'&' if '?' in path else '?'}format=serialized", what)
    except (UnknownReference, UnusableSchema):
        return None
    except RegistryFailure as failure:
        if failure.status not in _CANNOT:
            raise
        return None
    text = answer.get("schema")
    return as_descriptor(text) if isinstance(text, str) else None


def _references(answer: Mapping[str, Any], by: str) -> list[Needed]:
    found = []
    for each in answer.get("references") or ():
        if (
            not isinstance(each, dict)
            or not isinstance(each.get("subject"), str)
            or not isinstance(each.get("name"), str)
        ):
            raise UnusableSchema(f"{by} has a reference that names no subject")
        found.append(Needed(each["name"], each["subject"], str(each.get("version")), by))
    return found
