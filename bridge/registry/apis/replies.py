"""What an answer over HTTP says: JSON of a registry, that it does not know what was asked for, or a trouble. Pure."""

from __future__ import annotations

import email.utils
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

import orjson

from bridge.registry.outcomes import HttpReply, LookupResult, RegistryFailure, UnknownReference, UnusableSchema
from bridge.text.printable import cut, printable

UNKNOWN_CODES: Final = (40401, 40402, 40403)
"""Subject, version and schema not found, as Confluent's API and those like it number them. What is looked for in it may
be anything that JSON has, and some of that has no place in a set."""
FORMS: Final[Mapping[str, Literal["avro", "protobuf", "json"]]] = {
    "AVRO": "avro",
    "PROTOBUF": "protobuf",
    "JSON": "json",
}
"""What all registries call the forms of schemas, and what `Schema.form` does."""
_BUSY: Final = frozenset({408, 425})
_NOT_THERE: Final = frozenset({404, 405, 406, 410})
_SHOWN: Final = 200


def read_confluent(reply: HttpReply, where: str, what: str) -> Mapping[str, Any]:
    """A JSON object of Confluent's API. `what` was asked for: ``schema id 42``. Raises the signals of `outcomes`."""
    if reply.status == 404:
        said = _object(reply)
        if said is not None and said.get("error_code") in UNKNOWN_CODES:
            raise UnknownReference(what)
        raise RegistryFailure(LookupResult.WRONG_ADDRESS, _not_there(reply, where, what), status=404)
    return read_object(reply, where, what)


def read_object(reply: HttpReply, where: str, what: str) -> Mapping[str, Any]:
    """A JSON object with status 200. Raises the signals of `outcomes`."""
    check(reply, where, what)
    found = _object(reply)
    if found is None:
        raise RegistryFailure(LookupResult.WRONG_ADDRESS, no_registry(reply, where), status=reply.status)
    return found


def check(reply: HttpReply, where: str, what: str) -> None:
    """Let a whole answer of status 200 pass. Raises the signals of `outcomes`."""
    if reply.status != 200:
        raise failure_of(reply, where)
    if reply.cut:
        raise UnusableSchema(f"{what} is larger than the bridge takes ({len(reply.body)} bytes and more)")


def failure_of(reply: HttpReply, where: str) -> RegistryFailure:
    """The trouble that a status other than 200 tells of."""
    result, sentence = _trouble(reply, where)
    return RegistryFailure(result, sentence, retry_after=retry_after(reply), status=reply.status)


def _trouble(reply: HttpReply, where: str) -> tuple[LookupResult, str]:
    status = reply.status
    said = f"{status}{_said(reply)}"
    match status:
        case 401 | 403:
            found = LookupResult.LOGIN, f"{where} refuses the login of schema_registry ({said})"
        case 407:
            found = LookupResult.CONNECTION, f"the proxy on the way to {where} asks for a login ({said})"
        case 429:
            found = LookupResult.RATE_LIMITED, f"{where} asks to come again later ({said})"
        case _ if status in _BUSY or status >= 500:
            found = LookupResult.SERVER_ERROR, f"{where} answers with an error of its own ({said})"
        case _ if 300 <= status < 400:
            advice = "which is not followed; write the final address in schema_registry.urls"
            found = LookupResult.WRONG_ADDRESS, f"{where} sends elsewhere ({said}), {advice}"
        case _ if status < 300 or status in _NOT_THERE:
            found = LookupResult.WRONG_ADDRESS, no_registry(reply, where)
        case _:
            found = LookupResult.REFUSED, f"{where} refuses the question ({said})"
    return found


def no_registry(reply: HttpReply, where: str) -> str:
    """The sentence of an answer that no registry of the configured type gives."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower() or "nothing that has a type"
    return (
        f"{where} answers with {reply.status} and {cut(printable(kind), 60)}, and not as a schema registry of this"
        " type: check schema_registry.urls, with the path, and schema_registry.type"
    )


def _not_there(reply: HttpReply, where: str, what: str) -> str:
    if what.startswith("schema GUID"):
        return (
            f"{where} answers 404 to a look-up by GUID: either it cannot look schemas up by GUID, as Karapace and"
            " Apicurio cannot, or schema_registry.urls is not a registry's address"
        )
    return no_registry(reply, where)


def retry_after(reply: HttpReply) -> float | None:
    """Seconds that the answer asks to wait, in either form of the header; None where it does not say."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        # By the clock that wrote both.
        until, now = (email.utils.parsedate_to_datetime(each) for each in (text, reply.headers.get("date", "")))
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _object(reply: HttpReply) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _said(
    reply: HttpReply, names: Collection[str] = ("message", "title", "detail", "error_description", "error")
) -> str:
    """What the answer says of itself, bounded, and nothing where that is HTML."""
    found = _object(reply) or {}
    text = next((found[name] for name in names if isinstance(found.get(name), str) and found[name]), "")
    return f": {cut(printable(text), _SHOWN)}" if text else ""
