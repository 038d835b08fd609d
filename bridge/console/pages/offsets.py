"""Setting the committed offset of one partition: first what it passes and repeats, then doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from bridge.console.forms import Fields, PageRefusedError
from bridge.console.page import ConsolePage, Visit
from bridge.console.pages import act
from bridge.errors import Misuse, Unanswered, Unreachable
from bridge.fleet.acts.offset_change import LogPlace
from bridge.fleet.acts.offset_setting import OffsetSetting, PlannedOffsets
from bridge.formats.operator_hold import REASON_LIMIT
from bridge.reprocess.author import author

PLACES: Final[Mapping[str, str]] = {
    LogPlace.EARLIEST: "the log's start",
    LogPlace.LATEST: "the last stable offset: what an open transaction holds is still read when it ends",
    LogPlace.END: "the log's end, above open transactions, too",
    "at": "an offset, or the first record at or after a time",
}
"""By the name in the form: what it means."""
_FIELDS: Final = ("topic", "partition", "to", "at", "loss", "reason")
_LONGEST_NUMBER: Final = 18
_TELLS: Final = (act.ActProblemError, Misuse, Unreachable, Unanswered)


@dataclass(frozen=True, slots=True)
class OffsetWish:
    """What a form asks for."""

    topic: str
    partition: int
    to: str
    loss: int
    """Records that may be passed."""
    reason: str

    @property
    def where(self) -> str:
        """As `offset_planning.read` takes it."""
        return f"{self.topic}/{self.partition}"


async def show(visit: Visit) -> Response:
    """The form."""
    return _form(visit, dict(visit.query), "")


async def preview(visit: Visit, given: Fields) -> Response:
    """What it would come to, and a button that does it where that can be done."""
    setting = _setting(visit)
    try:
        wish = wish_of(given)
        planned = await _look(setting, wish)
    except _TELLS as problem:
        return _form(visit, dict(given), str(problem), 400)
    report = planned.report
    kept = {name: given.get(name, "").strip() for name in _FIELDS}
    if planned.changes:
        # What is confirmed is this offset, wherever the log's start, its end or a moment is by then.
        kept |= {"to": "at", "at": str(planned.changes[0].offset)}
    return visit.render(
        {
            "wish": wish,
            "planned": planned,
            "rows": [] if report is None else act.rows(report),
            "kept": kept,
            "back": f"/offsets?{urlencode({name: given.get(name, '') for name in _FIELDS})}",
        },
        "offsets_preview.html",
    )


async def carry_out(visit: Visit, given: Fields) -> Response:
    """Set it."""
    setting, session = _setting(visit), visit.session
    assert session is not None  # noqa: S101 - forms are taken of a session alone
    try:
        wish = wish_of(given)
        planned = await _look(setting, wish)
        if not planned.can_be_done:
            raise act.ActProblemError("It is not as it was shown any more. Look at it again. Nothing was set.")
        by = author(f"console ({session.name}): {wish.reason}")._replace(user=session.name)
        outcome = await setting.carry_out(planned, by, wish.reason)
    except _TELLS as problem:
        return _form(visit, dict(given), str(problem), 400)
    change = planned.changes[0]
    committed = change.before.committed
    visit.parts.log.warning(
        "console_act",
        act="set_offsets",
        topic=wish.topic,
        partitions=[each.before.partition.partition for each in outcome.done],
        not_done=[] if outcome.done else [wish.partition],
        offset=change.offset,
        before=None if committed is None else committed.offset,
        passed=change.passed,
        reason=wish.reason,
        by=session.name,
        client=visit.asked.client,
    )
    return visit.render({"wish": wish, "outcome": outcome, "change": change}, "offsets_done.html")


async def _look(setting: OffsetSetting, wish: OffsetWish) -> PlannedOffsets:
    return await setting.look(wish.where, wish.to, wish.loss, lambda passed: f"Let {passed} records be passed")


def wish_of(given: Fields) -> OffsetWish:
    """Of a form. Raises `ActProblemError`."""
    topic, number = given.get("topic", "").strip(), given.get("partition", "").strip()
    place, at = given.get("to", ""), given.get("at", "").strip()
    loss, reason = given.get("loss", "").strip() or "0", given.get("reason", "").strip()
    if not topic:
        raise act.ActProblemError("Name the topic.")
    if not _is_number(number):
        raise act.ActProblemError("Name one partition by its number, such as 3.")
    if place not in PLACES:
        raise act.ActProblemError("Choose where to.")
    if place == "at" and not at:
        raise act.ActProblemError("Say which offset, or which time with its zone such as 2026-01-31T00:00:00Z.")
    if not _is_number(loss):
        raise act.ActProblemError("How many records may be passed is a number; 0 is none.")
    if not reason:
        raise act.ActProblemError("Say why: the reason is kept in the log, and with what is lost.")
    if len(reason) > REASON_LIMIT:
        raise act.ActProblemError(f"The reason may have {REASON_LIMIT} characters; it has {len(reason)}.")
    return OffsetWish(topic, int(number), at if place == "at" else place, int(loss), reason)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _setting(visit: Visit) -> OffsetSetting:
    if visit.parts.offsets is None:
        raise PageRefusedError(403, "This console can change nothing: console.token_file is not configured.")
    return visit.parts.offsets


def _form(visit: Visit, given: Fields, problem: str, status: int = 200) -> Response:
    return visit.render(
        {
            "places": PLACES,
            "given": {name: given.get(name, "") for name in _FIELDS},
            "problem": problem,
            "limit": REASON_LIMIT,
        },
        status=status,
    )


PAGE: Final = ConsolePage(
    "offsets",
    "Set the offset",
    "/offsets",
    show,
    under="partitions",
    forms=(("/offsets/preview", preview), ("/offsets/do", carry_out)),
)
