"""Rows of an import, built from the bodies of requests: the field tables of the API's import page, to the letter.

A row of a user or an event has the body's own bytes in it, so that every number is as the request would have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from bridge.backfill.manifest import BackfillSettings, RowKind
from bridge.backfill.writing.times import DistinctTimes, event_digest, written
from bridge.decode import exact_json
from bridge.mapping.history import Occurrence
from bridge.model import COMPANY, IDENTIFY, Request

SOURCE: Final = "backend-http-import"
EVENT_TYPES: Final[Mapping[RowKind, str]] = {
    RowKind.COMPANIES: "identify_company",
    RowKind.USERS: "identify_user",
    RowKind.EVENTS: "track",
}
COMPANY_IDS: Final = ("id", "company_id")
"""The names under which an identify may have the company's id: `track.company_id_field`."""


class Row(NamedTuple):
    """One line of a file."""

    kind: str
    """The value of a `RowKind`: as a key, an enumeration's member costs as much as half a row."""
    line: bytes
    event: bytes
    """The digest of its event's id."""


class RowMaker:
    """Rows of one segment."""

    def __init__(self, settings: BackfillSettings) -> None:
        self._form = settings.inserted_at
        self._has_company = settings.company_id
        self._times = DistinctTimes()

    @property
    def needs_company(self) -> bool:
        """Whether track rows say the company of their record."""
        return self._has_company

    def rows(self, request: Request, event: Occurrence, number: int, company: str | None) -> Iterator[Row]:
        """Of a request: one, and of an identify with a company that one before it.

        `company` is what another step of the record says of it.
        """
        digest = event_digest(event.id, number)
        if request.kind is IDENTIFY:
            yield from self._identified(request, event, digest)
        elif request.kind is COMPANY:
            yield self._row(_COMPANIES, request.user_id, _with_metadata(request.body), event, digest)
        else:
            yield self.track(request, event, digest, company)

    def track(self, request: Request, event: Occurrence, digest: bytes, company: str | None) -> Row:
        """Of a track request; nearly all rows are."""
        body = request.body
        if company is not None:
            body = b"%b,%b" % (orjson.dumps({"company_id": company})[:-1], body[1:])
        key = f"{request.user_id}\0{request.event_name}\0{company or ''}"
        return self._row(_EVENTS, key, body, event, digest)

    def _identified(self, request: Request, event: Occurrence, digest: bytes) -> Iterator[Row]:
        body = request.body
        if b'"company":' in body:
            document = parsed(body)
            company = document.pop("company", None)
            if isinstance(company, dict):
                body = encoded(document)
                of_company = {"company_id": company_id(company), "metadata": _without_ids(company)}
                subject = f"company:{of_company['company_id']}"
                yield self._row(_COMPANIES, subject, encoded(of_company), event, digest)
        yield self._row(_USERS, request.user_id, _with_metadata(body), event, digest)

    def _row(self, kind: str, key: str, body: bytes, event: Occurrence, digest: bytes) -> Row:
        micros = self._times.of(f"{kind}\0{key}".encode("utf-8", "surrogatepass"), event.micros, digest)
        time = written(micros, self._form).encode()
        return Row(kind, b'%b%b",%b\n' % (_HEADS[kind], time, body[1:]), digest)


_COMPANIES: Final = RowKind.COMPANIES.value
_USERS: Final = RowKind.USERS.value
_EVENTS: Final = RowKind.EVENTS.value
_HEADS: Final = {
    kind.value: f'{{"event_type":"{name}","source":"{SOURCE}","inserted_at":"'.encode()
    for kind, name in EVENT_TYPES.items()
}
"""How a row begins, up to its time."""


def company_of(request: Request) -> str | None:
    """The company that a step is about, if it is about one."""
    if request.kind is COMPANY:
        found = parsed(request.body).get("company_id")
        return found if isinstance(found, str) else None
    if request.kind is IDENTIFY and b'"company":' in request.body:
        company = parsed(request.body).get("company")
        return company_id(company) if isinstance(company, dict) else None
    return None


def company_id(company: Mapping[str, Any]) -> str | None:
    """Of the company beside a user."""
    found = next((company[name] for name in COMPANY_IDS if name in company), None)
    return found if isinstance(found, str) else None


def _without_ids(company: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in company.items() if name not in COMPANY_IDS}


def _with_metadata(body: bytes) -> bytes:
    """Where rows of the kind must have it. A text within JSON has no quote that is not escaped, so this is a key."""
    return body if b'"metadata":' in body else body[:-1] + b',"metadata":{}}'


def parsed(body: bytes) -> dict[str, Any]:
    """The document, with every number as it is written."""
    document: dict[str, Any] = orjson.loads(body)
    return document if orjson.dumps(document) == body else exact_json.read(body)


def encoded(document: Mapping[str, Any]) -> bytes:
    """As a request would be."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return exact_json.encoded(document)
