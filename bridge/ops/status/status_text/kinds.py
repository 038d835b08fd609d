"""Requests of users and companies, in words: only where there are any. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.ops.status.status_text.layout import Item, ScreenTable, Text
from bridge.ops.status.status_text.times import Times
from bridge.text.amounts import plural, thousands

_TRACK: Final = "track"
_COLUMNS: Final = ("kind", "why not", "started", "accepted", "retried", "dead letters", "on the wire")
_COUNTS: Final = ("started", "accepted", "retried", "dead_lettered", "in_flight")


def requests(document: Mapping[str, Any], times: Times) -> list[Item]:
    """By kind, where there is more than events."""
    kinds = document.get("kinds", ())  # an earlier version has none
    if not _is_more_than_events(document):
        return []
    rows = [
        (kind["kind"], _why(kind, times), *(thousands(kind[count]) for count in _COUNTS))
        for kind in kinds
        if kind["kind"] == _TRACK or kind["started"] or kind["why"]
    ]
    return [ScreenTable(_COLUMNS, rows, right=(2, 3, 4, 5, 6))]


def _is_more_than_events(document: Mapping[str, Any]) -> bool:
    users = document.get("users", {})
    return any(kind["started"] for kind in document.get("kinds", ()) if kind["kind"] != _TRACK) or any(users.values())


def _why(kind: Mapping[str, Any], times: Times) -> str:
    if kind["why"] is None:
        return "-"
    ahead = kind["next_try"] or kind["until"]
    return f"{kind['why']} since {times.at(kind['since'])}{f', until {times.at(ahead)}' if ahead else ''}"


def users(document: Mapping[str, Any]) -> list[Item]:
    """What is known of users, where the bridge asks or was told to forget."""
    found = document.get("users", {})
    if not any(found.values()):
        return []
    asked = found["known"] + found["unknown"]
    out: list[Item] = []
    if asked:
        share = 100 * found["known"] / asked
        out.append(
            Text(
                f"{plural(found['remembered'], 'user')} remembered; of {plural(asked, 'event')} {share:.1f} % were of"
                " a user who was known"
            )
        )
        out.append(
            Text(
                f"identified by the bridge itself: {thousands(found['identified'])},"
                f" refused: {thousands(found['refused'])}"
            )
        )
    if found["forgotten"]:
        out.append(Text(f"records that asked to forget a user: {thousands(found['forgotten'])}"))
    if found["waiting_events"]:
        out.append(
            Text(
                f"waiting for an identify: {plural(found['waiting_events'], 'event')} of"
                f" {plural(found['waiting_users'], 'user')}"
            )
        )
    if found["settling_events"]:
        out.append(Text(f"waiting for track.identify_settle: {plural(found['settling_events'], 'event')}"))
    return out
