"""The mapping tried out: edit it and a record, see the requests that it makes, and run its examples."""

from __future__ import annotations

import asyncio
import pickle
import time
from typing import Final

import orjson
from starlette.responses import Response

from bridge.config.topics import topic_patterns
from bridge.console.confined import try_mapping
from bridge.console.confined.cell import ConfinedCell
from bridge.console.confined.try_mapping import TrialOrder
from bridge.console.forms import Fields, PageRefusedError
from bridge.console.page import ConsolePage, Context, Visit
from bridge.console.pages.letters import desk_of
from bridge.console.playground.newest import newest
from bridge.console.playground.trial import MappingTrial, files_of, pretty, shown_record, text_of
from bridge.errors import Misuse, Unreachable
from bridge.kafka.client import ClientRefusedError
from bridge.mapping.review.examples import TOPIC_OF_INPUT
from bridge.reprocess.reading import contents
from bridge.text.amounts import thousands

_LONGEST: Final = 100_000
"""Characters of a record, and of a mapping beyond those of the configured one."""


async def show(visit: Visit) -> Response:
    """The form, with a record of a topic where one is asked for."""
    topics = _topics(visit)
    topic = visit.query.get("take", "")
    record = problem = ""
    if topic:
        if not visit.may_see_values:
            raise PageRefusedError(403, f"Records of topics are {visit.values_are}.")
        if topic not in topics:
            raise PageRefusedError(404, "No topic of this name is consumed.")
        record, problem = await _taken(visit, topic)
    mapping = text_of(visit.parts.config.mapping, shows_values=visit.may_see_values)
    return visit.render(_context(visit, mapping, record, topic or topics[0], None, problem))


async def _try(visit: Visit, fields: Fields) -> Response:
    """Map it, in a process of its own: what somebody types may take for ever, and all memory."""
    if visit.session is None and visit.parts.sessions.can_log_in:
        raise PageRefusedError(403, "Trying a mapping out takes the console's time, so it needs the token: log in.")
    mapping, record, topic = fields.get("mapping", ""), fields.get("record", ""), fields.get("topic", "")
    configured = visit.parts.config.mapping
    most = _LONGEST + len(text_of(configured))
    if len(mapping) > most or len(record) > _LONGEST:
        raise PageRefusedError(
            413, f"A mapping may have {thousands(most)} characters here, a record {thousands(_LONGEST)}."
        )
    topic = topic if topic in _topics(visit) else TOPIC_OF_INPUT
    order = TrialOrder(sorted(files_of(configured)), mapping, record, topic, time.time())
    found = await asyncio.to_thread(_found, visit.parts.confined, order)
    return visit.render(_context(visit, mapping, record, topic, found, ""))


def _found(cell: ConfinedCell, order: TrialOrder) -> MappingTrial:
    with cell.turn():
        answer = cell.start(try_mapping.__name__).ask(orjson.dumps(order._asdict()))
    found: MappingTrial = pickle.loads(answer)  # noqa: S301 - made by our own code, which a mapping cannot add to
    return found


async def _taken(visit: Visit, topic: str) -> tuple[str, str]:
    """The newest record, without what `dead_letter.redact` hides; or why there is none."""
    desk = desk_of(visit)
    try:
        found = await asyncio.to_thread(newest, desk.config.kafka, topic, desk.logger)
    except (Misuse, Unreachable, ClientRefusedError) as problem:
        return "", str(problem)
    if found is None:
        return "", f"{topic} has no record."
    hidden = desk.hidden
    text = hidden.of_value(contents.legible(desk.mapping, found, found.value).text, found.headers)
    shown = found._replace(key=hidden.of_key(found.key), headers=tuple(hidden.of_headers(found.headers)))
    return shown_record(shown, text), ""


def _topics(visit: Visit) -> list[str]:
    named = [each for each in visit.parts.config.kafka.topics if not topic_patterns.is_pattern(each)]
    return named or [TOPIC_OF_INPUT]


def _context(visit: Visit, mapping: str, record: str, topic: str, trial: MappingTrial | None, problem: str) -> Context:
    explanations = () if trial is None else trial.explanations
    return {
        "mapping": mapping,
        "record": record,
        "topic": topic,
        "topics": _topics(visit),
        "trial": trial,
        "problem": problem,
        "may_see_values": visit.may_see_values,
        "explained": [(each, [(look, pretty(look)) for look in each.looks]) for each in explanations],
        "failed": 0 if trial is None else sum(bool(each.differences) for each in trial.examples),
    }


PAGE: Final = ConsolePage(
    "mapping", "Mapping", "/mapping", show, key="m", is_by_mapping=True, asks=(("/mapping/try", _try),)
)
