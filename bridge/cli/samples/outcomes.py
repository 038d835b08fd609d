"""What a record becomes, and what many showed of a mapping, in lines for a person and as JSON for a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.decode import exact_json
from bridge.mapping.review.cautions import cautions
from bridge.model import TRACK
from bridge.text.amounts import plural, thousands
from bridge.text.printable import printable
from bridge.text.tables import table

if TYPE_CHECKING:
    from bridge.mapping.review.coverage import Coverage, Fill, RouteCoverage, SettingCoverage, Verdicts
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
    shown = [printable(line) for line in lines]
    for element in explanation.elements:
        shown += [f"  {line}" for line in describe(element)]
    return shown


def _lines(look: Look) -> list[str]:
    name = f"{look.route}: " if look.route else ""
    if look.body is None:
        return [f"  {name}{look.result.replace('_', ' ')} ({look.reason}): {look.detail}"]
    lines = [f"  {name}request: {look.detail}", f"    {look.body.decode()}"]
    if look.left_out:
        what = "metadata values" if look.kind == TRACK.name else "properties"
        lines.append(f"    left out, as they have no flat form (lists of objects): {look.left_out} {what}")
    return lines


def document(explanation: MappingExplanation) -> dict[str, Any]:
    """The same for a script."""
    elements = {"elements": [document(element) for element in explanation.elements]} if explanation.elements else {}
    return elements | {
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
                "kind": look.kind,
                "request": None if look.body is None else exact_json.read(look.body),
                "left_out": look.left_out,
            }
            for look in explanation.looks
        ],
    }


# --- what many showed of the mapping -----------------------------------------------------------------

_KEYS_SHOWN = 50
_INSTEAD = {"occurred_at": "Kafka's timestamp", "event_id": "topic/partition/offset"}


def coverage_lines(seen: Coverage) -> list[str]:
    """How often each route's metadata keys are filled, and what each condition came to."""
    out = []
    if seen.settings:
        found = [("setting", "reads", "found", "instead"), *map(_setting, seen.settings, seen.settings.values())]
        out += ["", "Time and id", *(f"  {line.rstrip()}" for line in table(found))]
    for name, route in sorted(seen.routes.items()):
        out += ["", f"Metadata of {name} ({plural(route.requests, 'request')})", *_keys(route)]
    if seen.conditions:
        rows = [("condition", "when", "true", "false", "neither", "")]
        rows += [_verdicts(each) for each in seen.conditions.values()]
        out += ["", "Conditions", *(f"  {line.rstrip()}" for line in table(rows, right=(2, 3, 4)))]
    return [printable(line) for line in out]


def coverage_warnings(seen: Coverage) -> list[str]:
    """What is perhaps not meant, with what to do."""
    found = cautions(seen)
    if not found:
        return []
    pairs = [(f"  {each.what}", f"    To do: {each.to_do}.") for each in found]
    return ["", "Perhaps not meant", *(printable(line) for pair in pairs for line in pair)]


def coverage_document(seen: Coverage) -> dict[str, Any]:
    """All of it."""
    return {
        "metadata": {
            name: {
                "requests": route.requests,
                "keys": {
                    key: {"filled": fill.filled, "by_default": fill.by_default, "obstacle": fill.obstacle}
                    for key, fill in route.keys.items()
                },
            }
            for name, route in sorted(seen.routes.items())
        },
        "settings": [
            {"setting": name, "reads": text, "found": each.found, "records": each.records}
            for (name, text), each in seen.settings.items()
        ],
        "conditions": [
            {
                "route": each.route,
                "when": each.text,
                "true": each.true,
                "false": each.false,
                "neither": each.undecided,
            }
            for each in seen.conditions.values()
        ],
        "warnings": [{"what": each.what, "to_do": each.to_do} for each in cautions(seen)],
    }


def _setting(setting: tuple[str, str], counted: SettingCoverage) -> tuple[str, str, str, str]:
    name, text = setting
    instead = "" if counted.found == counted.records else _INSTEAD[name]
    return name, text, f"{thousands(counted.found)} of {thousands(counted.records)}", instead


def _keys(route: RouteCoverage) -> list[str]:
    if not route.keys:
        return ["  none"]
    rows = [("key", "filled", "share", "")]
    rows += [
        (key, thousands(fill.filled), _share(fill.filled, route.requests), _remark(fill)) for key, fill in _shown(route)
    ]
    more = len(route.keys) - _KEYS_SHOWN
    return [
        *(f"  {line.rstrip()}" for line in table(rows, right=(1, 2))),
        *([f"  and {thousands(more)} more (--json has all of them)"] if more > 0 else []),
    ]


def _shown(route: RouteCoverage) -> list[tuple[str, Fill]]:
    return list(route.keys.items())[:_KEYS_SHOWN]


def _remark(fill: Fill) -> str:
    if fill.by_default:
        return f"{thousands(fill.by_default)} by default: nothing was found"
    return "" if fill.obstacle is None or fill.filled else fill.obstacle


def _verdicts(verdicts: Verdicts) -> tuple[str, str, str, str, str, str]:
    remark = "never true" if not verdicts.true else "never false" if not verdicts.false else ""
    return (
        verdicts.route,
        verdicts.text,
        thousands(verdicts.true),
        thousands(verdicts.false),
        thousands(verdicts.undecided),
        remark,
    )


def _share(part: int, whole: int) -> str:
    """Rounded, but never to all or nothing."""
    percent = 100 * part / whole if whole else 0.0
    shown = round(percent)
    if (shown == 100 and part < whole) or (shown == 0 and part):
        return "> 99 %" if shown else "< 1 %"
    return f"{shown} %"
