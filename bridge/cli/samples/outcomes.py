"""What a record becomes, in lines for a person and as JSON for a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.decode import exact_json
from bridge.text.printable import printable

if TYPE_CHECKING:
    from bridge.mapping.review.explain import Look, MappingExplanation


def describe(explanation: MappingExplanation) -> list[str]:
    """The record's envelope, then what each route makes of it, with the body exactly as it would be sent."""
    known = {
        "type": explanation.event_type,
        "id": explanation.event_id,
        "time": explanation.occurred_at,
        "rule": explanation.rule,
    }
    about = [explanation.form or "not decoded", *(f"{name} {value}" for name, value in known.items() if value)]
    lines = [f"{explanation.coordinates}  ({', '.join(about)})"]
    for look in explanation.looks:
        lines += _lines(look)
    return [printable(line) for line in lines]


def _lines(look: Look) -> list[str]:
    name = f"{look.route}: " if look.route else ""
    if look.body is None:
        return [f"  {name}{look.result.replace('_', ' ')} ({look.reason}): {look.detail}"]
    lines = [f"  {name}request: {look.detail}", f"    {look.body.decode()}"]
    if look.left_out:
        lines.append(f"    left out, as they have no flat form (lists of objects): {look.left_out} metadata values")
    return lines


def document(explanation: MappingExplanation) -> dict[str, Any]:
    """The same for a script."""
    return {
        "record": explanation.coordinates,
        "form": explanation.form,
        "type": explanation.event_type,
        "id": explanation.event_id,
        "time": explanation.occurred_at,
        "rule": explanation.rule,
        "outcomes": [
            {
                "route": look.route,
                "result": look.result,
                "reason": look.reason,
                "detail": look.detail,
                "request": None if look.body is None else exact_json.read(look.body),
                "left_out": look.left_out,
            }
            for look in explanation.looks
        ],
    }
