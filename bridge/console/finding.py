"""The page Find asks `bridge.explain` as the command does: one question at a time, whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from bridge.errors import BridgeError
from bridge.explain.explain import explain
from bridge.explain.replicas import told_by
from bridge.explain.shown import ShownContent
from bridge.explain.sources import ClusterSources
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError
from bridge.reprocess.reading.redaction import places, redaction

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Config
    from bridge.explain.explanation import Explanation
    from bridge.explain.questions import Question
    from bridge.explain.sources import ReplicasTold
    from bridge.fleet.source import FleetSource
    from bridge.mapping.mapper import CompiledMapping

PATIENCE: Final = 5.0
"""Seconds the brokers may take for a question."""
MOST_RECORDS: Final = 50_000
MOST_SECONDS: Final = 20.0
"""Of one search: somebody waits for the page, and others for their turn."""

Find = Callable[["Question", bool], Awaitable["Explanation | str"]]
"""The answer to a question, with values where these may be shown; or the sentence why there is none."""


class ConsoleFinder:
    """All methods belong to the console's loop; what waits for brokers waits on a thread."""

    def __init__(self, config: Config, mapping: CompiledMapping, fleet: FleetSource, logger: logging.Logger) -> None:
        self._config = config
        self._mapping = mapping
        self._fleet = fleet
        self._logger = logger
        self._turn = asyncio.Lock()

    async def find(self, question: Question, shows_values: bool) -> Explanation | str:  # noqa: FBT001 - as `Find` has it
        """See `Find`."""
        async with self._turn:
            told = told_by(await self._fleet.view())
            try:
                return await asyncio.to_thread(self._answer, question, told, shows_values=shows_values)
            except NotConnectedError as error:
                return f"Cannot connect to any broker in {self._config.kafka.bootstrap_servers}: {error}."
            except BridgeError as error:
                return str(error)

    def _answer(self, question: Question, told: ReplicasTold, *, shows_values: bool) -> Explanation:
        config = self._config
        inspection = Inspection(config.kafka, self._logger, patience=PATIENCE)
        sources = ClusterSources(config, self._mapping, (inspection, inspection.connect()), lambda: told, self._logger)
        hidden = redaction(config.dead_letter.redact, everything=False, within=places(config.mapping))
        return explain(question, sources, ShownContent(hidden if shows_values else None))
