"""Compiles the mapping section, or says everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.config.keys.problems import Problem
from bridge.config.mapping_section import MappingConfig
from bridge.decode.protocol import NO_SCHEMAS, Schemas
from bridge.mapping.destination import Destination
from bridge.mapping.findings import Findings
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.examples import check_examples
from bridge.mapping.rules import RoutingRules, compile_rules
from bridge.mapping.settings import MappedTopicSettings, compile_settings

__all__ = ["CompiledMapping", "compile_mapping"]
_USUAL: Final = Destination()


def compile_mapping(
    config: MappingConfig,
    schemas: Schemas = NO_SCHEMAS,
    make: Callable[[MappedTopicSettings, RoutingRules, Schemas], CompiledMapping] = CompiledMapping,
    *,
    destination: Destination = _USUAL,
) -> CompiledMapping | tuple[Problem, ...]:
    """The mapping ready to use, or its problems, each with its path: ``mapping.events.order.completed[0].when``.

    `schemas` may grow while it is used. `destination` is what the section `track` says (`destination_of`).
    `make` is another class for those that look up what is missing themselves.
    """
    findings = Findings()
    settings = compile_settings(config, findings, schemas, destination)
    rules = compile_rules(config, findings, destination)
    problems = findings.problems + check_examples(config.examples)
    if problems:
        return problems
    return make(settings, rules, schemas)
