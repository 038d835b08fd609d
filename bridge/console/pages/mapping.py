"""The mapping tried out: edit it and a record, see the requests that it makes, and run its examples."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from starlette.responses import Response

from bridge.config.topics import topic_patterns
from bridge.console.forms import Fields, PageRefusedError
from bridge.console.page import ConsolePage, Context, Visit
from bridge.console.pages.letters import desk_of
from bridge.console.playground.newest import newest
from bridge.console.playground.trial import MappingTrial, pretty, shown_record, text_of, tried
from bridge.errors import Misuse, Unreachable
from bridge.kafka.client import ClientRefusedError
from bridge.mapping.review.examples import TOPIC_OF_INPUT
from bridge.reprocess.reading import contents

_LONGEST: Final = 1_000_000
"""Characters of a record, and of a mapping."""
PATIENCE: Final = 20.0
"""Seconds that a mapping may take with one record: what somebody types may take for ever."""


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
    mapping = text_of(visit.parts.config.mapping)
    return visit.render(_context(visit, mapping, record, topic or topics[0], None, problem))


async def _try(visit: Visit, fields: Fields) -> Response:
    """Map it."""
    mapping, record, topic = fields.get("mapping", ""), fields.get("record", ""), fields.get("topic", "")
    if max(len(mapping), len(record)) > _LONGEST:
        raise PageRefusedError(413, f"Mapping and record may have {_LONGEST} characters each.")
    topic = topic if topic in _topics(visit) else TOPIC_OF_INPUT
    configured = visit.parts.config.mapping
    trial = asyncio.to_thread(tried, configured, mapping, record, topic, time.time())
    try:
        found = await asyncio.wait_for(trial, PATIENCE)
    except TimeoutError as slow:
        raise PageRefusedError(503, f"The mapping took longer than {PATIENCE:g} s with this record.") from slow
    return visit.render(_context(visit, mapping, record, topic, found, ""))


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
