"""The end of the demo: the mapping is fixed, and the dead letters that this helps are sent again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.config.mapping_section import RouteConfig
from bridge.config.sections import Config
from bridge.formats.letters import Letter
from bridge.kafka.letters.letter_log import LetterLog
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.reading.selection import Selection, select
from bridge.reprocess.replay.letters import ReplayOutcome
from bridge.reprocess.replay.plan import Plan, ReplayRules, in_original_order, plan
from bridge.sandbox.emulator.ledger import Accepted
from bridge.sandbox.emulator.server import Emulator
from bridge.service.side_traffic import Setting, Wish, replay
from bridge.track.build import build_credentials


@dataclass(frozen=True, slots=True)
class Corrected:
    """What the replay found and did."""

    letters: Sequence[Letter]
    """Every dead letter there was before."""
    plan: Plan
    outcome: ReplayOutcome
    accepted: Sequence[Accepted]
    still_open: int


async def correct(config: Config, api: Emulator) -> Corrected:
    """Fix the two faults that the sample's dead letters show, and replay; what that does not help stays open."""
    already = len(api.ledger.accepted)
    logger = logging.getLogger("kafka")
    mapping = _fixed(config)
    log = LetterLog(config.kafka, config.dead_letter.topic, logger)
    reader = await asyncio.to_thread(LetterReader, log)
    entries = await asyncio.to_thread(lambda: list(reader.entries()))
    rules = ReplayRules()
    chosen = in_original_order(select(entries, Selection(group=config.kafka.group_id), mapping))
    planned = plan(chosen, mapping, rules, time.time())
    outcome = await replay(
        planned.sends,
        Wish(rules, config.delivery.rate_limit or 0.0, "bridge demo"),
        Setting(config, mapping, build_credentials(config.track), None, logger),
        reader=reader,
    )
    after = await asyncio.to_thread(LetterReader, log)
    states = await asyncio.to_thread(lambda: [entry.standing.state for entry in after.entries()])
    return Corrected(
        [entry.letter for entry in entries],
        planned,
        outcome,
        api.ledger.accepted[already:],
        sum(state.is_open for state in states),
    )


def _fixed(config: Config) -> CompiledMapping:
    """Users come from the key, which every record has; imported orders get a name that the API knows."""
    changes: dict[str, dict[str, Any]] = {
        "order.imported": {"event_name": "Order Completed"},
        "order.completed": {"metadata": {"n": "data.n", "items": "length(data.lines || `[]`)"}},
    }
    events = dict(config.mapping.events)
    for rule, change in changes.items():
        events[rule] = tuple(r.model_copy(update=change) for r in events[rule] if isinstance(r, RouteConfig))
    mapping = compile_mapping(config.mapping.model_copy(update={"user_id": "key", "events": events}))
    if not isinstance(mapping, CompiledMapping):
        raise RuntimeError(f"the demo's fixed mapping is broken: {mapping}")  # noqa: TRY004 - not about its type
    return mapping
