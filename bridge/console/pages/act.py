"""Holding, pausing, releasing and resuming, wherever the partitions are: first what it would do, then doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from bridge.config.keys import scalars
from bridge.console.forms import Fields, PageRefusedError
from bridge.console.page import ConsolePage, Visit
from bridge.errors import Misuse
from bridge.fleet.acts import Act, FleetControl, HoldAct, PauseAct, ReleaseAct, ResumeAct
from bridge.fleet.acts.outcomes import SAYS, ActReport, Fate, PartitionFate
from bridge.formats.operator_hold import REASON_LIMIT
from bridge.text import moments

VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "hold": ("Hold", "until somebody releases it"),
    "pause": ("Pause", "for a time, then it goes on by itself"),
    "release": ("Release", "what an operator or too many dead letters hold"),
    "resume": ("Resume", "end a pause before its time"),
}
"""By the name in the form: how it is called, and what it means."""
LONGEST: Final = 30 * 86_400.0
"""Seconds of a pause."""
_KEPT: Final = ("do", "topic", "partition", "reason", "until")
_WORDS: Final[Mapping[Fate, str]] = {
    Fate.READY: "would be done",
    Fate.DONE: "done",
    Fate.ELSEWHERE: "no replica that was asked has it",
    Fate.NOT_REACHED: "not every replica answered, and none of those that did has it",
    Fate.REFUSED: "refused",
    Fate.GONE: "went to another replica meanwhile: repeat it",
}


class ActProblemError(PageRefusedError):
    """What keeps a form from being an act: told above the form."""

    def __init__(self, sentence: str) -> None:
        super().__init__(400, sentence)


@dataclass(frozen=True, slots=True)
class FateRow:
    """One partition, as it is shown."""

    partition: int
    words: str
    detail: str
    replica: str
    tone: str


async def show(visit: Visit) -> Response:
    """The form."""
    return _form(visit, dict(visit.query), "")


async def preview(visit: Visit, given: Fields) -> Response:
    """What it would do, and a button that does it."""
    control = _control(visit)
    try:
        act = act_of(given, visit.now)
        report: ActReport = await control.preview(act)
    except (ActProblemError, Misuse) as problem:
        return _form(visit, dict(given), str(problem), 400)
    until = str(act.until) if isinstance(act, PauseAct) else ""
    return visit.render(
        {
            **_about(given, act),
            "kept": {**{name: given.get(name, "") for name in _KEPT}, "until": until},
            "rows": rows(report),
            "report": report,
            "is_any": bool(report.with_fate(Fate.READY)),
        },
        "act_preview.html",
    )


async def carry_out(visit: Visit, given: Fields) -> Response:
    """Do it."""
    control, session = _control(visit), visit.session
    assert session is not None  # noqa: S101 - forms are taken of a session alone
    try:
        act = act_of(given, visit.now)
        report = await control.carry_out(act, session.name)
    except (ActProblemError, Misuse) as problem:
        return _form(visit, dict(given), str(problem), 400)
    done = report.with_fate(Fate.DONE, Fate.NOT_KEPT, Fate.UNCONFIRMED)
    visit.parts.log.warning(
        "console_act",
        act=given.get("do", ""),
        topic=act.topic,
        partitions=[each.partition for each in done],
        not_done=[each.partition for each in report.partitions if each not in done],
        reason=given.get("reason", "").strip(),
        by=session.name,
        client=visit.asked.client,
    )
    return visit.render({**_about(given, act), "rows": rows(report), "report": report}, "act_done.html")


def act_of(given: Fields, now: float) -> Act:
    """What a form asks for. Raises `ActProblemError`."""
    verb, topic, reason = given.get("do", ""), given.get("topic", "").strip(), given.get("reason", "").strip()
    if verb not in VERBS:
        raise ActProblemError("Choose what is to be done.")
    if not topic:
        raise ActProblemError("Name the topic.")
    if not reason:
        raise ActProblemError("Say why: the reason is kept in the log, and shown for as long as it is held.")
    if len(reason) > REASON_LIMIT:
        raise ActProblemError(f"The reason may have {REASON_LIMIT} characters; it has {len(reason)}.")
    partitions = _partitions(given.get("partition", "").strip())
    match verb:
        case "hold":
            return HoldAct(topic, partitions, reason)
        case "pause":
            return PauseAct(topic, partitions, reason, _until(given, now))
        case "release":
            return ReleaseAct(topic, partitions, reason)
        case _:
            return ResumeAct(topic, partitions, reason)


def _partitions(text: str) -> tuple[int, ...] | None:
    """From ``3, 5``; None: all of the topic."""
    words = text.replace(",", " ").split()
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        raise ActProblemError("Partitions are numbers with commas between, such as 0, 3; left out, all are meant.")
    return tuple(sorted({int(word) for word in words})) or None


def _until(given: Fields, now: float) -> int:
    """Unix seconds: as it was confirmed, else from now on."""
    confirmed = given.get("until", "")
    if confirmed.isascii() and confirmed.isdigit() and len(confirmed) < 12:
        until = int(confirmed)
        if until <= now:
            raise ActProblemError("The pause would be over already. Look at it again.")
    else:
        try:
            until = int(now + scalars.duration(given.get("for", "").strip()))
        except ValueError as problem:
            raise ActProblemError(f"How long: {problem}.") from problem
    if not 1 <= until - now <= LONGEST + 1:
        raise ActProblemError("A pause lasts from 1s to 30d. Without an end, hold it.")
    return until


def rows(report: ActReport) -> list[FateRow]:
    """Each partition, those that are not done first."""
    found = [_row(each) for each in report.partitions]
    return sorted(found, key=lambda row: (row.tone == "good", row.partition))


def _row(each: PartitionFate) -> FateRow:
    good = each.fate in (Fate.DONE, Fate.READY)
    words = _WORDS.get(each.fate) or SAYS.get(each.fate, each.fate.value)
    detail = each.detail or (f"{each.owner} has it" if each.owner else "")
    return FateRow(each.partition, words, detail, each.replica or "", "good" if good else "bad")


def _control(visit: Visit) -> FleetControl:
    if visit.parts.control is None:
        raise PageRefusedError(403, "This console can change nothing: console.token_file is not configured.")
    return visit.parts.control


def _about(given: Fields, act: Act) -> dict[str, object]:
    until = moments.iso(act.until, "seconds") if isinstance(act, PauseAct) else None
    return {
        "verb": VERBS[given["do"]][0],
        "act": act,
        "until": until,
        "reason": given.get("reason", "").strip(),
    }


def _form(visit: Visit, given: Fields, problem: str, status: int = 200) -> Response:
    return visit.render(
        {
            "verbs": VERBS,
            "given": {name: given.get(name, "") for name in (*_KEPT, "for")},
            "problem": problem,
            "limit": REASON_LIMIT,
        },
        status=status,
    )


PAGE: Final = ConsolePage(
    "act",
    "Hold, pause, release",
    "/act",
    show,
    under="partitions",
    forms=(("/act/preview", preview), ("/act/do", carry_out)),
)
