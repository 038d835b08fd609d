"""A file sent from the console: what it comes to, then the job that sends it, as `track-bridge send --file` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from bridge.config.topics import topic_patterns
from bridge.console.forms import Fields, FormFields, PageRefusedError
from bridge.console.page import ConsolePage, Visit
from bridge.console.security import MOST_UPLOAD
from bridge.console.sending.desk import MOST_RECORDS, ConsoleFiles, LookedAtFile
from bridge.console.sending.upload import ReceivedFile
from bridge.errors import Misuse
from bridge.formats.operator_hold import REASON_LIMIT
from bridge.inputs.records import Form
from bridge.reprocess.sending.file_sending import LineFate
from bridge.sending.job import SendJob, SendOrder, SendRefusedError
from bridge.sending.preview import seconds

_SHARES: Final = {"20%": 0.2, "50%": 0.5, "100%": 1.0}
_FORMS: Final[Mapping[str, tuple[Form, str]]] = {
    "values": (Form.VALUES, "Values, one a line or an array of them, or what kcat -J writes"),
    "records": (Form.RECORDS, "Whole records, one a line: topic, partition, offset, key, value, headers"),
}
_MOST_SHOWN: Final = 20
"""Rows of events, of reasons, of rejected lines."""
_MOST_DIGITS: Final = 9
_FATES: Final = {
    LineFate.ACCEPTED: "accepted by the API",
    LineFate.LEFT_OUT: "left out, by a rule of the mapping",
    LineFate.REJECTED: "rejected",
}


async def show(visit: Visit) -> Response:
    """The form."""
    return _form(visit, {}, "")


async def _preview(visit: Visit, given: Fields) -> Response:
    """What the file comes to, and a button that sends it."""
    files = _files(visit)
    topic, text = given.get("topic", "").strip() or None, given.get("from_line", "").strip()
    try:
        file, form, first = _file(given), _FORMS.get(given.get("form", ""), _FORMS["values"])[0], _line(text)
        looked = await files.look(file, form, topic, first, _owner(visit))
    except Misuse as problem:
        return _form(visit, given, str(problem), 400)
    return visit.render(_confirmation(files, looked, ""), "send_confirm.html")


def _file(given: Fields) -> ReceivedFile:
    file = given.file if isinstance(given, FormFields) else None
    if file is None:
        raise Misuse("Choose a file.")
    return file


def _line(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text)):
        raise Misuse("The line to begin with is a number from 1.")
    return int(text)


async def _begin(visit: Visit, given: Fields) -> Response:
    """Begin the job."""
    files = _files(visit)
    looked = files.waiting(given.get("which", ""), _owner(visit))
    if looked is None:
        return _form(
            visit, {}, "The file that was shown is not here any more, and nothing was sent: choose it again.", 409
        )
    share, because = _SHARES.get(given.get("rate", "20%")), " ".join(given.get("because", "").split())
    problem = ""
    if visit.notice:
        raise PageRefusedError(409, visit.notice)
    if share is None:
        problem = "The rate must be 20%, 50% or 100%."
    elif not because:
        problem = "Say why: it is kept in the log."
    elif len(because) > REASON_LIMIT:
        problem = f"The reason may have {REASON_LIMIT} characters; it has {len(because)}."
    if problem or share is None:
        return visit.render(_confirmation(files, looked, problem), "send_confirm.html", 400)
    by = _name(visit)
    rate = share * (files.config.delivery.rate_limit or 0.0)
    log = visit.parts.log

    def ended(job: SendJob) -> None:
        tally = job.tally
        log.info(
            "console_send_ended",
            by=by,
            file=job.called,
            because=because,
            accepted=0 if tally is None else tally.fates[LineFate.ACCEPTED],
            rejected=0 if tally is None else tally.fates[LineFate.REJECTED],
            left=job.left if tally is not None else job.total,
            problem=job.problem or (tally.stopped if tally is not None else None),
        )

    try:
        files.jobs.begin(SendOrder(looked.called, looked.lines, rate, by, because), ended)
    except SendRefusedError as refused:
        raise PageRefusedError(409, str(refused)) from refused
    files.give_up(looked.name)
    log.info(
        "console_send_began",
        by=by,
        client=visit.asked.client,
        file=looked.called,
        records=looked.found.records,
        requests=looked.found.requests,
        because=because,
    )
    return visit.to("/send/job")


async def _job(visit: Visit) -> Response:
    """The sending that is under way, or the last one."""
    job = _files(visit).jobs.last
    tally = None if job is None else job.tally
    results = [] if job is None or tally is None else [(tally.fates[each], said) for each, said in _FATES.items()]
    if job is not None and tally is not None:
        results.append((job.left, "not sent, or without an answer"))
    answer = visit.render(
        {
            "job": job,
            "tally": tally,
            "results": [each for each in results if each[0]],
            "most": _MOST_SHOWN,
        },
        "send_job.html",
    )
    if job is not None and not job.is_over:
        answer.headers["refresh"] = "2"
    return answer


async def _stop(visit: Visit, _given: Fields) -> Response:
    _files(visit).jobs.stop()
    visit.parts.log.info("console_send_stopped", by=_name(visit))
    return visit.to("/send/job")


def _confirmation(files: ConsoleFiles, looked: LookedAtFile, problem: str) -> dict[str, Any]:
    config, found = files.config, looked.found
    return {
        "looked": looked,
        "found": found,
        "events": found.events.most_common(_MOST_SHOWN),
        "refused": list(found.refused.items())[:_MOST_SHOWN],
        "more": (max(0, len(found.events) - _MOST_SHOWN), max(0, len(found.refused) - _MOST_SHOWN)),
        "times": [(each, seconds(found, config.delivery, share)) for each, share in _SHARES.items()],
        "endpoint": config.track.endpoint,
        "rate": next(iter(_SHARES)),
        "limit": REASON_LIMIT,
        "problem": problem,
    }


def _form(visit: Visit, given: Mapping[str, str], problem: str, status: int = 200) -> Response:
    files = visit.parts.files
    named = visit.parts.config.kafka.topics
    return visit.render(
        {
            "given": {name: given.get(name, "") for name in ("form", "topic", "from_line")},
            "forms": {name: said for name, (_, said) in _FORMS.items()},
            "topics": [each for each in named if not topic_patterns.is_pattern(each)],
            "problem": problem,
            "job": None if files is None else files.jobs.last,
            "most_bytes": f"{MOST_UPLOAD / 1e6:g} MB",
            "most_records": MOST_RECORDS,
        },
        status=status,
    )


def _files(visit: Visit) -> ConsoleFiles:
    if visit.parts.files is None:
        raise PageRefusedError(404, "Nothing can be sent from here: there is no mapping to send by.")
    return visit.parts.files


def _owner(visit: Visit) -> str:
    assert visit.session is not None  # noqa: S101 - a form is taken of nobody else
    return visit.session.csrf


def _name(visit: Visit) -> str:
    assert visit.session is not None  # noqa: S101 - a form is taken of nobody else
    return visit.session.name


PAGE: Final = ConsolePage(
    "send",
    "Send",
    "/send",
    show,
    key="u",
    is_by_mapping=True,
    more=(("/send/job", _job),),
    forms=(("/send/preview", _preview), ("/send/begin", _begin), ("/send/job/stop", _stop)),
)
