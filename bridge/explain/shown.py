"""What of a record may be in an answer: nothing of its content, or what redaction leaves of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bridge.decode import exact_json
from bridge.decode.failures import kind
from bridge.explain.explanation import ShownRequest
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.walk import WalkStep
from bridge.mapping.routes.identify import COMPANY_IDS
from bridge.model import Record, Request
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.redaction import Redaction

_COMPANY: Final = "company: "


@dataclass(frozen=True, slots=True)
class ShownContent:
    """`redaction` None: names, types and places only."""

    redaction: Redaction | None = None

    def step(self, mapping: CompiledMapping, record: Record, step: WalkStep) -> WalkStep:
        """Without what was found, unless that may be shown."""
        if step.value is None or self.redaction is None:
            return replace(step, value=None)
        text = contents.legible(mapping, record, record.value).text if self.redaction.hides else record.value
        return replace(step, value=self.redaction.of_user(step.value, text, record.headers))

    def key(self, record: Record) -> bytes | None:
        """The record's key."""
        return None if self.redaction is None else self.redaction.of_key(record.key)

    def value(self, mapping: CompiledMapping, record: Record) -> bytes | None:
        """The record's value, as JSON where it can be made of it."""
        if self.redaction is None:
            return None
        return self.redaction.of_value(contents.legible(mapping, record, record.value).text, record.headers)

    def request(self, mapping: CompiledMapping, record: Record, request: Request | None) -> ShownRequest | None:
        """A request as it would be sent now."""
        if request is None:
            return None
        named = _named(mapping, record, request)
        fields: list[tuple[str, str]] = []
        further = 0
        for name, found in exact_json.loads(request.body).items():
            if not isinstance(found, dict):
                fields.append((name, kind(found)))
                continue
            for inner, each in found.items():
                if inner in named:
                    fields.append((f"{name}.{inner}", kind(each)))
                else:
                    further += 1
        return ShownRequest(f"POST {request.path}", tuple(fields), further, self._body(mapping, record, request))

    def _body(self, mapping: CompiledMapping, record: Record, request: Request) -> bytes | None:
        if self.redaction is None:
            return None
        text = contents.legible(mapping, record, record.value).text if self.redaction.hides else record.value
        return self.redaction.of_request(request.body, text, record.headers)


def _named(mapping: CompiledMapping, record: Record, request: Request) -> frozenset[str]:
    """Names that are the configuration's or the API's: others come out of the record."""
    keys = mapping.topic(record.topic).plan_of(request.route).keys
    return frozenset(key.removeprefix(_COMPANY) for key in keys) | frozenset(COMPANY_IDS)
