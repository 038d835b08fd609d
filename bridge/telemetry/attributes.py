"""What spans say of answers and outcomes: names of the semantic conventions, and ours behind ``track_bridge.``."""

from __future__ import annotations

from typing import Any

from bridge.model import Delivered, Elements, Failed, Filtered, Forget, Outcomes, Retry, Verdict


def answer(verdict: Verdict, said: dict[str, Any]) -> str | None:
    """Note what was answered; returns the type of the error, None where it was accepted."""
    if verdict.status is not None:
        said["http.response.status_code"] = verdict.status
    if isinstance(verdict, Delivered):
        return None
    error = verdict.reason if isinstance(verdict, Retry) and verdict.status is None else str(verdict.status)
    said["error.type"] = error
    if isinstance(verdict, Retry):
        if verdict.request_id is not None:
            said["http.response.header.x-request-id"] = [verdict.request_id]
        if verdict.ambiguous:
            said["track_bridge.ambiguous"] = True
    elif verdict.error_code is not None:
        said["track_bridge.error_code"] = verdict.error_code
    return error


def made_of(outcomes: Outcomes) -> dict[str, Any]:
    """What was made of the record: names of the configuration only."""
    routes: dict[str, None] = {}
    said: dict[str, Any] = {}
    for each in outcomes:
        outcome = each.filtered if isinstance(each, Forget) else each
        if isinstance(outcome, Elements):
            said["track_bridge.elements"] = outcome.count
        elif isinstance(outcome, Filtered):
            said.setdefault("track_bridge.filter", outcome.reason.value)
        elif isinstance(outcome, Failed):
            said.setdefault("track_bridge.reason", outcome.reason.value)
        if outcome.route is not None and outcome.route.name:
            routes[outcome.route.name] = None
    if routes:
        said["track_bridge.routes"] = list(routes)
    return said
