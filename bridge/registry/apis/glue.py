"""AWS Glue's schema registry: one call, ``GetSchemaVersion``, signed. Its schemas refer to no others.

A Protobuf schema is ``.proto`` text there. Source: the API's reference, and the error names that the AWS SDKs list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from bridge.decode.protocol import Schema
from bridge.registry.apis.descriptors import as_descriptor
from bridge.registry.apis.replies import FORMS, failure_of, no_registry, read_object
from bridge.registry.outcomes import HttpReply, LookupResult, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.transport.session import Session
from bridge.text.printable import cut, printable

HEADERS: Final = {"Content-Type": "application/x-amz-json-1.1"}
_LOGIN: Final = frozenset({
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
})  # fmt: skip
_BUSY: Final = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"})


async def fetch(session: Session, reference: str) -> Schema:
    """The schema. Raises the signals of `outcomes`."""
    kind, _, key = reference.partition(":")
    if kind != "glue":
        raise UnusableSchema(f"the record refers to {reference}, which is none of AWS Glue's schema versions")
    what = f"schema version {key}"
    return _schema(await _ask(session, {"SchemaVersionId": key}, what), what)


async def newest(session: Session, subject: str) -> tuple[str, Schema]:
    """The reference and the schema of the newest version; `subject` is ``registry/schema`` or a schema's name.

    Raises the signals of `outcomes`.
    """
    registry, _, name = subject.rpartition("/")
    what = f"the schema {subject}"
    question = {
        "SchemaId": {"RegistryName": registry or "default-registry", "SchemaName": name},
        "SchemaVersionNumber": {"LatestVersion": True},
    }
    answer = await _ask(session, question, what)
    return f"glue:{answer.get('SchemaVersionId')}", _schema(answer, what)


async def _ask(session: Session, question: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    headers = {**HEADERS, "X-Amz-Target": "AWSGlue.GetSchemaVersion"}
    reply = await session.post("/", headers, orjson.dumps(question))
    if reply.status in {400, 403}:
        raise _refusal(reply, str(session.address), what)
    return read_object(reply, str(session.address), what)


def _refusal(reply: HttpReply, where: str, what: str) -> RegistryFailure | UnknownReference:
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("__type"), str):
        if reply.status == 403:
            return failure_of(reply, where)
        return RegistryFailure(LookupResult.WRONG_ADDRESS, no_registry(reply, where), status=reply.status)
    name = found["__type"].rpartition("#")[2]
    if name == "EntityNotFoundException":
        return UnknownReference(what)
    text = found.get("Message") or found.get("message") or ""
    said = f"{cut(printable(name), 60)}: {cut(printable(str(text)), 200)}"
    if name in _LOGIN or reply.status == 403:
        return RegistryFailure(LookupResult.LOGIN, f"{where} refuses the login ({said})", status=reply.status)
    if name in _BUSY:
        return RegistryFailure(LookupResult.RATE_LIMITED, f"{where} asks to come again later ({said})", status=429)
    return RegistryFailure(LookupResult.REFUSED, f"{where} refuses the question ({said})", status=reply.status)


def _schema(answer: Mapping[str, Any], what: str) -> Schema:
    text, named, status = answer.get("SchemaDefinition"), answer.get("DataFormat"), answer.get("Status")
    if status == "PENDING":
        raise UnknownReference(f"{what} as available yet")
    form = FORMS.get(named) if isinstance(named, str) else None
    if form is None or not isinstance(text, str):
        raise UnusableSchema(f"{what} is of the type {named}; the bridge reads AVRO, PROTOBUF and JSON")
    if form == "protobuf":
        text = as_descriptor(text) or text
    return Schema(form, text)
