"""The four pages of the admin server, made from what the service provides."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar

import orjson

from bridge.ops import health
from bridge.ops.admin.server import PageResponse
from bridge.ops.metrics import exposition_format
from bridge.ops.status import status_document
from bridge.text.printable import printable_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.ops.admin.server import Page
    from bridge.ops.health import Health
    from bridge.ops.snapshot import Snapshot, Vitals

T = TypeVar("T")

_JSON = "application/json"


class Fresh(Generic[T]):
    """Keeps the latest value of something costly, so that it takes at most a twentieth of the time.

    Scrapers and curious people are not to be paid for by the events: at a thousand requests a second for a page that
    takes 8 ms, all but a few get the page of a moment ago.
    """

    MIN_AGE = 0.25
    """Seconds a value is shown at least."""
    _COST_FACTOR = 20

    def __init__(self, make: Callable[[], T], monotonic: Callable[[], float]) -> None:
        self._make = make
        self._monotonic = monotonic
        self._value: T | None = None
        self._until = 0.0

    def get(self) -> T:
        """The value, made again where the last is too old."""
        began = self._monotonic()
        if self._value is None or began >= self._until:
            self._value = self._make()
            ended = self._monotonic()
            self._until = ended + max(self.MIN_AGE, self._COST_FACTOR * (ended - began))
        return self._value


def pages(
    *, vitals: Callable[[], Vitals], snapshot: Callable[[], Snapshot], monotonic: Callable[[], float]
) -> dict[str, Page]:
    """The pages by path, for `AdminServer`.

    `vitals` is called for every probe, `snapshot` at most four times a second for each of the costly pages; both on
    the loop's thread.
    """
    exposition = exposition_format.Exposition()
    rendered = {
        media_type: Fresh(_metrics(exposition, snapshot, media_type), monotonic)
        for media_type in (exposition_format.TEXT, exposition_format.OPENMETRICS)
    }
    shown = Fresh(lambda: PageResponse(encode(status_document.document(snapshot())), media_type=_JSON), monotonic)
    return {
        "/livez": lambda _accept: _probe("live", health.live(vitals())),
        "/readyz": lambda _accept: _probe("ready", health.ready(vitals())),
        "/metrics": lambda accept: rendered[exposition_format.media_type(accept)].get(),
        "/status": lambda _accept: shown.get(),
    }


def encode(document: object) -> bytes:
    """JSON, UTF-8, of which a terminal obeys nothing; lone surrogates, which have no UTF-8, are escaped, too."""
    try:
        return printable_bytes(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
    except TypeError:
        return json.dumps(document).encode("ascii") + b"\n"


def _metrics(
    exposition: exposition_format.Exposition, snapshot: Callable[[], Snapshot], media_type: str
) -> Callable[[], PageResponse]:
    return lambda: PageResponse(exposition.render(snapshot(), media_type), media_type=media_type)


def _probe(question: str, answer: Health) -> PageResponse:
    reasons = [{"reason": finding.reason, "message": finding.message} for finding in (*answer.findings, *answer.notes)]
    code = HTTPStatus.OK if answer.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return PageResponse(encode({question: answer.ok, "reasons": reasons}), code, _JSON)
