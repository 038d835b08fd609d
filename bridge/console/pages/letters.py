"""Dead letters: searched by everything `track-bridge dlq list` takes, sent again, settled, exported."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from bridge.console.forms import Fields, PageRefusedError
from bridge.console.letters.desk import MOST, ConsoleLetters, ReadingLetters
from bridge.console.letters.replays import SENTENCES
from bridge.console.letters.wanted import FIELDS, OF_VALUES, LetterSearch, search
from bridge.console.page import ConsolePage, Context, Visit
from bridge.errors import Misuse
from bridge.formats.letters import Letter
from bridge.model import KINDS, LetterReason
from bridge.reprocess.author import author
from bridge.reprocess.reading.shelf import ShelfRow
from bridge.reprocess.replay import plan as plans
from bridge.reprocess.replay.letters import LetterResult
from bridge.reprocess.replay.plan import Body, LetterFate, ReplayRules
from bridge.reprocess.showing import steps
from bridge.text.amounts import thousands

SIZE: Final = 50
_OF_THIS_PROCESS: Final = secrets.token_bytes(32)
"""Without it somebody who knows the users could find out which one is meant."""
_MOST_DIGITS: Final = 6
_SHARES: Final = {"20%": 0.2, "50%": 0.5, "100%": 1.0}
_LONGEST_REASON: Final = 500
_BODIES: Final = (
    (Body.CHANGED, "with a changed body"),
    (Body.SAME, "with the same body"),
    (Body.FIRST, "for the first time"),
    (Body.SEVERAL, "as several requests"),
)


async def show(visit: Visit) -> Response:
    """The list."""
    desk = desk_of(visit)
    try:
        found = _meant(visit, visit.query)
    except Misuse as problem:
        return _answered(visit, {**_form(desk, visit.query), "problem": str(problem)})
    number = _number(visit.query.get("page"))
    page = await desk.page(found, number, SIZE)
    context = {**_form(desk, found.given), "problem": ""}
    if isinstance(page, ReadingLetters):
        answer = _answered(visit, {**context, "reading": page})
        answer.headers["refresh"] = "1"
        return answer
    last = max(1, -(-page.found // SIZE))
    listed = {
        "page_of_letters": page,
        "letters": [_row(visit, row) for row in page.rows],
        "number": number,
        "last": last,
        "earlier": _address(found.given, page=str(number - 1)) if number > 1 else "",
        "later": _address(found.given, page=str(number + 1)) if number < last else "",
        "export": f"/letters/export?{urlencode(found.given)}",
        "most": MOST,
    }
    return _answered(visit, {**context, **listed})


def desk_of(visit: Visit) -> ConsoleLetters:
    """Raises `PageRefusedError` where there is none."""
    desk = visit.parts.desk
    if desk is None:
        raise PageRefusedError(503, "This console has no mapping to read dead letters by.")
    return desk


def user_shown(visit: Visit, user: str | None) -> str:
    """A user as this visitor may see them: one whose values are hidden is still told from others."""
    if user is None:
        return ""
    return user if visit.may_see_values else f"#{hmac.digest(_OF_THIS_PROCESS, user.encode(), 'sha256').hex()[:8]}"


def _meant(visit: Visit, fields: Mapping[str, str]) -> LetterSearch:
    """Raises `Misuse`, also for what would tell values by how many letters have them."""
    found = search(fields, desk_of(visit).config.kafka.group_id)
    if not visit.may_see_values and any(found.given.get(each) for each in OF_VALUES):
        raise Misuse("User and condition ask about the records' values, which are not shown here: console.show_values.")
    return found


def _answered(visit: Visit, context: Context) -> Response:
    empty = {
        "may_see_values": visit.may_see_values,
        "reading": None,
        "page_of_letters": None,
        "job": visit.parts.replays.last,
    }
    return visit.render({**empty, **context})


def _form(desk: ConsoleLetters, given: Mapping[str, str]) -> dict[str, Any]:
    return {
        "given": {name: given.get(name, "") for name in FIELDS},
        "kept": {name: given[name] for name in FIELDS if given.get(name)},
        "reasons": [reason.value for reason in LetterReason],
        "routes": sorted(route.name for route in desk.mapping.routes if route.event_name),
        "kinds": [kind.name for kind in KINDS],
        "topic": desk.config.dead_letter.topic,
    }


def _row(visit: Visit, row: ShelfRow) -> dict[str, Any]:
    letter, standing, user = row
    written = letter.timestamp_ms
    return {
        "id": str(letter.place),
        "written": None if written is None else written / 1000,
        "state": standing.state.value + (f" x{standing.failures}" if standing.failures else ""),
        "reason": letter.reason,
        "status": letter.status,
        "message": letter.message,
        "route": letter.route or "",
        "step": steps.short(letter),
        "user": user_shown(visit, user),
        "origin": str(letter.origin or "unknown"),
    }


def _address(given: Mapping[str, str], **more: str) -> str:
    return f"/letters?{urlencode({**given, **more})}"


def _number(text: str | None) -> int:
    is_one = text is not None and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return max(1, int(text or "1")) if is_one else 1


# --- what changes something ------------------------------------------------------------------------------


def _search(visit: Visit, fields: Fields) -> LetterSearch:
    """Raises `PageRefusedError`."""
    try:
        return _meant(visit, fields)
    except Misuse as problem:
        raise PageRefusedError(400, str(problem)) from problem


def _reason(fields: Fields) -> str:
    """Why, as it is kept. Raises `PageRefusedError` where nobody says it."""
    said = " ".join(fields.get("because", "").split())[:_LONGEST_REASON]
    if not said:
        raise PageRefusedError(400, "Say why: it is kept with each dead letter and in the log. Go back and repeat it.")
    return said


def _rules(fields: Fields) -> tuple[ReplayRules, float]:
    share = _SHARES.get(fields.get("rate", "20%"))
    if share is None:
        raise PageRefusedError(400, "The rate must be 20%, 50% or 100%.")
    return ReplayRules(force=fields.get("force") == "yes"), share


async def _preview(visit: Visit, fields: Fields) -> Response:
    """What a replay, or discarding, would do."""
    desk, found = desk_of(visit), _search(visit, fields)
    rules, _ = _rules(fields)
    if fields.get("act") == "discard":
        chosen, _ = await desk.chosen(found)
        counts: dict[str, int] = {}
        for entry in chosen:
            counts[entry.letter.reason] = counts.get(entry.letter.reason, 0) + 1
        told = [(number, reason) for reason, number in sorted(counts.items(), key=lambda item: -item[1])]
        which = _which(entry.letter for entry in chosen)
        context = {"act": "discard", "count": len(chosen), "which": which, "told": told, "bodies": []}
    else:
        made = (await desk.plan(found, rules)).plan
        told = [(number, _fate(fate)) for fate, number in made.counts.most_common()]
        bodies = [(made.bodies[body], text) for body, text in _BODIES if made.bodies[body]]
        which = _which(each.entry.letter for each in made.sends)
        context = {"act": "replay", "count": len(made.sends), "which": which, "told": told, "bodies": bodies}
    more = {
        "kept": {**found.given, **{name: fields[name] for name in ("force", "rate") if fields.get(name)}},
        "is_everything": found.is_everything,
        "endpoint": desk.config.track.endpoint,
        "most": MOST,
        "back": _address(found.given),
        "rate": fields.get("rate", "20%"),
        "shares": list(_SHARES),
        "force": rules.force,
    }
    return visit.render({**context, **more}, "letters_confirm.html")


def _fate(fate: LetterFate) -> str:
    """Without the commands that a terminal's sentence names."""
    return plans.SENTENCES[fate].partition(" (`")[0].replace("(--force sends it)", "(sent where you say so)")


async def _replay(visit: Visit, fields: Fields) -> Response:
    """Begin the job."""
    desk, found, because = desk_of(visit), _search(visit, fields), _reason(fields)
    rules, share = _rules(fields)
    made = await desk.plan(found, rules)
    sends = [each.entry.letter for each in made.plan.sends]
    _as_counted(fields, sends)
    if visit.notice:
        raise PageRefusedError(409, visit.notice)
    _as_shown(fields, sends)
    by = _name(visit)
    visit.parts.replays.begin(desk, made, rules, share, by, because)
    visit.parts.log.info("console_replay_began", by=by, count=len(made.plan.sends), because=because)
    return visit.to("/letters/job")


async def _discard(visit: Visit, fields: Fields) -> Response:
    """Settle them."""
    desk, found, because = desk_of(visit), _search(visit, fields), _reason(fields)
    chosen, reader = await desk.chosen(found)
    _as_shown(fields, [entry.letter for entry in chosen])
    by = author("track-bridge console")._replace(user=_name(visit))
    count = await desk.discard(chosen, reader, because, by)
    visit.parts.log.info("console_discarded", by=by.user, count=count, because=because)
    return visit.to("/letters", done=f"Discarded {thousands(count)}")


def _which(letters: Iterable[Letter]) -> str:
    """Stands for exactly these letters in a form: others may be as many."""
    places = " ".join(f"{partition}:{offset}" for partition, offset in sorted(each.place for each in letters))
    return hashlib.sha256(places.encode()).hexdigest()[:32]


def _as_counted(fields: Fields, letters: Sequence[Letter]) -> None:
    """Raises `PageRefusedError` where there are more or fewer by now than were shown."""
    if not letters or fields.get("count") != str(len(letters)):
        raise _others(letters)


def _as_shown(fields: Fields, letters: Sequence[Letter]) -> None:
    """Raises `PageRefusedError` where there are others by now than those that were shown."""
    _as_counted(fields, letters)
    if fields.get("which") != _which(letters):
        raise _others(letters)


def _others(letters: Sequence[Letter]) -> PageRefusedError:
    return PageRefusedError(
        409, f"It would be {thousands(len(letters))} dead letters by now: other than was shown. Go back and look again."
    )


def _name(visit: Visit) -> str:
    assert visit.session is not None  # noqa: S101 - a form is taken of nobody else
    return visit.session.name


async def _job(visit: Visit) -> Response:
    """The replay that runs, or the last one."""
    job = visit.parts.replays.last
    outcome = None if job is None else job.outcome
    results = [] if outcome is None else [(outcome.results[each], SENTENCES[each]) for each in LetterResult]
    answer = visit.render(
        {"job": job, "outcome": outcome, "results": [each for each in results if each[0]]}, "letters_job.html"
    )
    if job is not None and not job.is_over:
        answer.headers["refresh"] = "2"
    return answer


async def _stop(visit: Visit, _fields: Fields) -> Response:
    visit.parts.replays.stop()
    visit.parts.log.info("console_replay_stopped", by=_name(visit))
    return visit.to("/letters/job")


async def _export(visit: Visit) -> Response:
    """Lines of JSON, with what is in the letters: only for who may see that."""
    if not visit.may_see_values:
        raise PageRefusedError(403, f"An export has the records' values, which are {visit.values_are}.")
    desk, found = desk_of(visit), _search(visit, visit.query)
    lines = await desk.exported(found)
    headers = {"content-disposition": 'attachment; filename="dead-letters.ndjson"'}
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)


PAGE: Final = ConsolePage(
    "letters",
    "Dead letters",
    "/letters",
    show,
    key="d",
    is_by_mapping=True,
    more=(("/letters/job", _job), ("/letters/export", _export)),
    forms=(
        ("/letters/preview", _preview),
        ("/letters/replay", _replay),
        ("/letters/discard", _discard),
        ("/letters/job/stop", _stop),
    ),
)
