"""A configuration written as text, looked at by lint as `check --offline` looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from bridge.config import load
from bridge.config.events.example_section import ExampleConfig
from bridge.config.reading import yaml_core
from bridge.decode.protocol import NO_SCHEMAS, Schemas
from bridge.lint.lint_finding import LintFinding
from bridge.lint.linting import findings
from bridge.lint.subject import LintEvidence, LintSubject, samples_of_examples
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import destination_of
from tests.support.service.settings import layered

BASE: Mapping[str, Any] = {
    "kafka": {"bootstrap_servers": "kafka-1:9092", "group_id": "userpilot-bridge", "topics": ["shop.orders"]},
    "track": {"endpoint": "https://analytex-eu.userpilot.io", "api_key": "${USERPILOT_API_KEY}"},
    "dead_letter": {"topic": "userpilot-bridge.dlq"},
    "mapping": {"events": {"order.completed": {"event_name": "Order Completed"}}},
}
"""What a part of a configuration leaves out."""
ENVIRON: Mapping[str, str] = {
    "USERPILOT_API_KEY": "NX-key-of-the-tests",
    "USERPILOT_ENDPOINT": "https://analytex-eu.userpilot.io",
}


def linted_file(
    path: Path,
    environ: Mapping[str, str] = ENVIRON,
    *,
    schemas: Schemas = NO_SCHEMAS,
    evidence: LintEvidence | None = None,
    more: Iterable[ExampleConfig] = (),
) -> tuple[LintFinding, ...]:
    """The findings on the file at `path`; `more` are examples beside its own."""
    loaded = load.read(path, environ, needs_key=False)
    assert loaded.config is not None, loaded.problems
    config = loaded.config
    mapping = compile_mapping(config.mapping, schemas, destination=destination_of(config.track))
    assert isinstance(mapping, CompiledMapping), mapping
    samples = samples_of_examples(mapping, [*config.mapping.examples, *more])
    return findings(LintSubject(config, mapping, samples, evidence, loaded.places), loaded.located)


def linted_part(part: str, folder: Path, **given: Any) -> tuple[LintFinding, ...]:
    """Those on a part of a configuration, beside what every one has; lines are none of the part's."""
    path = folder / "bridge.yaml"
    given_part = yaml_core.parse(part).tree or {}
    base = {
        name: section for name, section in BASE.items() if name != "mapping" or "events" not in given_part.get(name, {})
    }
    document = layered(base, given_part)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return linted_file(path, **given)
