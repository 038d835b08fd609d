"""In which ways requests failed lately, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.ops.status.status_text.layout import Item, ScreenTable, Text
from bridge.ops.status.status_text.times import Times
from bridge.text.amounts import plural, thousands

_SHOWN: Final = 5
_COLUMNS: Final = ("answer", "kind", "times", "last at", "last x-request-id")


def failed_requests(document: Mapping[str, Any], times: Times) -> list[Item]:
    """Only where some failed; the last ones."""
    answers = document.get("answers")  # an earlier version has none
    if answers is None or not answers["failed"]:
        return []
    failed = answers["failed"]
    rows = [
        (said(each), each["kind"], thousands(each["count"]), times.at(each["last_at"]), *each["request_ids"][:1])
        for each in failed
    ]
    table = ScreenTable(_COLUMNS, [(*row, "-")[: len(_COLUMNS)] for row in rows[:_SHOWN]], right=(2,))
    more = max(0, len(rows) - _SHOWN) + answers["left_out"]
    return [table, *([Text(f"and {plural(more, 'other answer')}, longer ago")] if more else [])]


def said(failed: Mapping[str, Any]) -> str:
    """``503 internal_error (server_error)``; where no whole answer came, the reason alone."""
    parts = [str(each) for each in (failed["status"], failed["code"]) if each is not None]
    return f"{' '.join(parts)} ({failed['reason']})" if parts else failed["reason"]
