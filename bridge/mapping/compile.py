"""Compiles the mapping section, or says everything that is wrong with it."""

from __future__ import annotations

from bridge.config.keys.problems import Problem
from bridge.config.mapping_section import MappingConfig
from bridge.decode.protocol import NO_SCHEMAS, Schemas
from bridge.mapping.findings import Findings
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.examples import check_examples
from bridge.mapping.rules import compile_rules
from bridge.mapping.settings import compile_settings

__all__ = ["CompiledMapping", "compile_mapping"]


def compile_mapping(config: MappingConfig, schemas: Schemas = NO_SCHEMAS) -> CompiledMapping | tuple[Problem, ...]:
    """The mapping ready to use, or its problems, each with its path: ``mapping.events.order.completed[0].when``.

    `schemas` may grow while it is used.
    """
    findings = Findings()
    settings = compile_settings(config, findings, schemas)
    rules = compile_rules(config, findings)
    problems = findings.problems + check_examples(config.examples)
    if problems:
        return problems
    return CompiledMapping(settings, rules, schemas)
