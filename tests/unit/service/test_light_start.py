"""What `track-bridge run` loads: CPU time is hard to hold a machine to, a list of modules is not."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURATION = """
kafka: {bootstrap_servers: "127.0.0.1:1", group_id: g, topics: [shop.orders], start_from: latest, start_timeout: 1s}
track: {endpoint: "http://127.0.0.1:1", api_key: made-up}
dead_letter: {topic: g.dlq}
observability: {listen: "127.0.0.1:0", log_format: json}
mapping: {events: {order.completed: {event_name: Order, user_id: data.user_id}}}
"""
NOT_NEEDED = (
    "rich", "pygments", "structlog", "attr", "httpx", "httpcore", "anyio", "jsonschema", "typer.rich_utils",
    "botocore", "zstandard", "compression.zstd", "bridge.registry", "bridge.decode.avro.decoder",
    "bridge.decode.avro.schema", "bridge.decode.protobuf.decoder", "bridge.decode.protobuf.wire",
    "bridge.decode.protobuf.schema", "bridge.decode.shape", "bridge.decode.beyond_json", "bridge.decode.connect_types",
    "bridge.demo", "bridge.selftest", "bridge.sandbox", "bridge.cli.checks.cluster", "bridge.cli.samples",
    "bridge.inputs.records", "bridge.telemetry", "opentelemetry", "google.protobuf", "requests", "urllib3",
)  # fmt: skip
PROGRAM = f"""
import gc, sys
from bridge import cli
cli._end = lambda code: None
sys.argv = ["bridge", "run", "-c", sys.argv[1]]
looks = []
gc.callbacks.append(lambda phase, _: looks.append(phase))
cli.main()
print([name for name in {NOT_NEEDED} if name in sys.modules], len(looks) // 2, file=sys.stderr)
"""


def started(folder: Path, configuration: str) -> tuple[list[str], int]:
    """Those of `NOT_NEEDED` that a start loads which has built everything (its broker never answers), and how often
    the garbage collector looked.
    """
    (folder / "bridge.yaml").write_text(configuration, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "bridge.yaml")], capture_output=True, text=True, check=False
    )
    assert "127.0.0.1:1" in ran.stdout + ran.stderr
    loaded, looks = ran.stderr.splitlines()[-1].rsplit(" ", 1)
    return ast.literal_eval(loaded), int(looks)


def test_a_start_loads_nothing_that_only_other_commands_or_a_terminal_need(tmp_path: Path) -> None:
    loaded, looks = started(tmp_path, CONFIGURATION)
    assert loaded == []
    assert looks < 20, "the garbage collector looks at what the modules are made of again and again"


@pytest.mark.slow
@pytest.mark.parametrize("decode", ["avro", "protobuf"])
def test_a_start_with_a_registry_loads_its_client_and_no_decoder_of_another_format(tmp_path: Path, decode: str) -> None:
    mapping = CONFIGURATION.replace("mapping: {", f"mapping: {{decode: {decode}, ")
    loaded, _ = started(tmp_path, mapping + 'schema_registry: {urls: ["http://127.0.0.1:1"]}\n')
    own = {f"bridge.decode.{decode}.decoder", f"bridge.decode.{decode}.schema", f"bridge.decode.{decode}.wire"}
    assert "bridge.registry" in loaded
    assert set(loaded) - own <= {"bridge.registry", "httpcore", "anyio", "bridge.decode.protobuf.wire"}
