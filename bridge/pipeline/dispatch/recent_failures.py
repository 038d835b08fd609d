"""The requests that failed lately: what the API answered to them, how often, and when last.

Only failures are noted; nothing here is on the way of an accepted event. It is bounded: of each kind of request as many
different answers are kept as `ANSWERS_KEPT`, the one that came last the longest ago is left out first.
"""

from __future__ import annotations

from typing import Final

from bridge.model import FailedAnswer, Reject, Retry, Unauthorized

ANSWERS_KEPT: Final = 16
"""Different answers, of each kind of request."""
IDS_KEPT: Final = 3
"""Request ids of each answer."""

REJECTED: Final = "rejected"
UNAUTHORIZED: Final = "unauthorized"
"""What is no reason of a retry."""

_Key = tuple[str, int | None, str | None]


class _AnswerCount:
    """One answer that came once or more often."""

    __slots__ = ("count", "first", "ids", "last")

    def __init__(self, at: float) -> None:
        self.first = at
        self.last = at
        self.count = 0
        self.ids: tuple[str, ...] = ()


class RecentFailures:
    """Takes the verdict on each request that failed."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[_Key, _AnswerCount]] = {}
        self.left_out = 0
        """Answers that were kept and no longer are."""

    def note(self, kind: str, verdict: Retry | Reject | Unauthorized, at: float) -> None:
        """A request of this kind failed, at this time (Unix seconds)."""
        seen = self._kinds.setdefault(kind, {})
        key = (_reason(verdict), verdict.status, verdict.error_code)
        found = seen.pop(key, None)
        if found is None:
            found = _AnswerCount(at)
            if len(seen) >= ANSWERS_KEPT:
                del seen[next(iter(seen))]
                self.left_out += 1
        seen[key] = found  # the last one at the end
        found.count += 1
        found.last = at
        if verdict.request_id is not None:
            found.ids = (verdict.request_id, *found.ids[: IDS_KEPT - 1])

    def shown(self) -> tuple[FailedAnswer, ...]:
        """All that are kept, the last one first."""
        found = [
            FailedAnswer(kind, reason, status, code, seen.count, seen.first, seen.last, seen.ids)
            for kind, answers in self._kinds.items()
            for (reason, status, code), seen in answers.items()
        ]
        return tuple(sorted(found, key=lambda answer: -answer.last))


def _reason(verdict: Retry | Reject | Unauthorized) -> str:
    if isinstance(verdict, Retry):
        return verdict.reason
    return REJECTED if isinstance(verdict, Reject) else UNAUTHORIZED
