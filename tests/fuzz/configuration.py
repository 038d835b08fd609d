"""Configuration: whatever the file and the environment say, it is a configuration or problems, one clean line each."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bridge.config import load
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.review.examples import check_examples, run_examples
from tests.fuzz.choices import Choices

_NAMES = (
    "BRIDGE_KAFKA__GROUP_ID", "BRIDGE_KAFKA__TOPICS", "BRIDGE_TRACK__API_KEY", "BRIDGE_DELIVERY__RATE_LIMIT",
    "BRIDGE_MAPPING__EVENTS", "BRIDGE_KAFKA__PROPERTIES__ACKS", "BRIDGE_TRACK__AUTH", "BRIDGE_NOTHING__AT_ALL", "NAME",
    "BRIDGE_KAFKA", "BRIDGE___", "BRIDGE_OBSERVABILITY__LISTEN",
)  # fmt: skip


def check_configuration(content: bytes, environ: Mapping[str, str]) -> None:
    """Read it as `track-bridge run` does, up to the compiled mapping and its examples."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bridge.yaml"
        path.write_bytes(content)
        loaded = load.read(path, environ)
    assert (loaded.config is None) is bool(loaded.problems)
    problems = [*loaded.problems, *loaded.warnings]
    if loaded.mapping is not None:
        compiled = compile_mapping(loaded.mapping)
        if isinstance(compiled, CompiledMapping):
            problems += loaded.located(check_examples(loaded.mapping.examples))
            if not check_examples(loaded.mapping.examples):
                run_examples(compiled, loaded.mapping.examples)
        else:
            problems += loaded.located(compiled)
    for problem in problems:
        line = str(problem)
        assert problem.message.strip()
        assert line.isprintable(), line


def fuzz(data: bytes) -> None:
    """Some variables, then the file."""
    choices = Choices(data)
    environ = {
        choices.one_of(_NAMES): choices.block().decode("utf-8", "surrogateescape") for _ in range(choices.number(4))
    }
    check_configuration(choices.rest(), environ)
