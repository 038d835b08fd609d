"""What differs between two mappings, in lines for a person and as JSON for a script; counts first, in a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bridge.mapping.review.comparison import DEAD_LETTER, EVENT
from bridge.text.amounts import plural, thousands
from bridge.text.printable import cut, printable
from bridge.text.tables import table

if TYPE_CHECKING:
    from bridge.mapping.review.comparison import KeyDifference, MappingComparison, RouteDifference

_ROUTES = 20
_KEYS = 15
_TURNS = 10
_LONGEST = 60
"""Characters of a value."""
_KINDS = ("same", "changed", "appeared", "vanished")


def lines(found: MappingComparison) -> list[str]:
    """For a person."""
    if not found.records:
        return ["No records: nothing was compared."]
    return [printable(line) for line in _lines(found)]


def _lines(found: MappingComparison) -> Iterator[str]:
    records = plural(found.records, "record")
    if not found.is_changed:
        same = plural(found.total("same"), "request")
        yield f"{records}: nothing changes. {same} would be the same, byte for byte."
        return
    yield (
        f"{records}, of which {thousands(found.changed_records)} change: "
        + ", ".join(f"{thousands(found.total(kind))} {_ING[kind]}" for kind in reversed(_KINDS))
        + "."
    )
    for (before, after), count in found.fates.most_common():
        warning = "  !" if before == EVENT or after == DEAD_LETTER else ""
        yield f"  {plural(count, 'record')}: {before} -> {after}{warning}"
    changed = sorted(_changed(found), key=lambda item: (-_weight(item[1]), item[0]))
    yield ""
    rows: list[tuple[str, ...]] = [("route", "same", "change", "appear", "vanish", "users")]
    rows += [
        (name, *(thousands(getattr(route, kind)) for kind in _KINDS), thousands(len(route.users)))
        for name, route in changed[:_ROUTES]
    ]
    yield from (f"  {line.rstrip()}" for line in table(rows, right=(1, 2, 3, 4, 5)))
    if len(changed) > _ROUTES:
        yield f"  and {plural(len(changed) - _ROUTES, 'more route')} (--json has all)"
    for name, route in changed[:_ROUTES]:
        yield from ("", name, *_of_route(route))


_ING = {"same": "the same", "changed": "requests change", "appeared": "appear", "vanished": "vanish"}


def _changed(found: MappingComparison) -> list[tuple[str, RouteDifference]]:
    return [(name, route) for name, route in found.routes.items() if route.is_changed]


def _weight(route: RouteDifference) -> int:
    return route.changed + route.appeared + route.vanished + sum(route.turns.values())


def _of_route(route: RouteDifference) -> Iterator[str]:
    turns = route.turns.most_common()
    for turn, count in turns[:_TURNS]:
        yield f"  {thousands(count)}  {turn[0]} -> {turn[1]}, such as {route.samples[turn]}"
    if len(turns) > _TURNS:
        yield f"  and {thousands(len(turns) - _TURNS)} more of these (--json has all)"
    keys = _keys(route)
    if not keys:
        return
    rows = [("key", "requests", "how", "such as")]
    rows += [(name, thousands(key.count), _how(key), key.sample + _values(key)) for name, key in keys[:_KEYS]]
    yield from (f"  {line.rstrip()}" for line in table(rows, right=(1,)))
    if len(keys) > _KEYS:
        yield f"  and {plural(len(keys) - _KEYS, 'more key')} (--json has all)"


def _keys(route: RouteDifference) -> list[tuple[str, KeyDifference]]:
    return sorted(route.keys.items(), key=lambda item: (-item[1].count, item[0]))


def _how(key: KeyDifference) -> str:
    other = "another type" if key.retyped == key.changed else "another value"
    parts = ((key.added, "added"), (key.removed, "removed"), (key.changed, other))
    said = [(number, word) for number, word in parts if number]
    return said[0][1] if len(said) == 1 else ", ".join(f"{thousands(number)} {word}" for number, word in said)


def _values(key: KeyDifference) -> str:
    if key.before is None and key.after is None:
        return ""
    before, after = (("nothing" if each is None else cut(each, _LONGEST)) for each in (key.before, key.after))
    return f": {before} -> {after}"


def document(found: MappingComparison) -> dict[str, Any]:
    """For a script."""
    return {
        "changed": found.is_changed,
        "records": found.records,
        "changed_records": found.changed_records,
        "requests": {kind: found.total(kind) for kind in _KINDS},
        "fates": [{"before": was, "after": is_, "records": count} for (was, is_), count in found.fates.most_common()],
        "routes": {name: _route_document(route) for name, route in sorted(found.routes.items())},
    }


def _route_document(route: RouteDifference) -> dict[str, Any]:
    return {kind: getattr(route, kind) for kind in _KINDS} | {
        "users": len(route.users),
        "turns": [
            {"before": turn[0], "after": turn[1], "count": count, "sample": route.samples[turn]}
            for turn, count in route.turns.most_common()
        ],
        "keys": {name: _key_document(key) for name, key in _keys(route)},
    }


def _key_document(key: KeyDifference) -> dict[str, Any]:
    from bridge.decode import exact_json

    counts = {"added": key.added, "removed": key.removed, "changed": key.changed, "retyped": key.retyped}
    values = {
        name: exact_json.read(text.encode())
        for name, text in (("before", key.before), ("after", key.after))
        if text is not None
    }
    return counts | {"sample": key.sample} | values
