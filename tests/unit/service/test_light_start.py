"""What `bridge run` loads: CPU time is hard to hold a machine to, a list of modules is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFIGURATION = """
kafka: {bootstrap_servers: "127.0.0.1:1", group_id: g, topics: [shop.orders], start_from: latest, start_timeout: 1s}
track: {endpoint: "http://127.0.0.1:1", api_key: made-up}
dead_letter: {topic: g.dlq}
observability: {listen: "127.0.0.1:0", log_format: json}
mapping: {events: {order.completed: {event_name: Order, user_id: data.user_id}}}
"""
NOT_NEEDED = (
    "rich", "pygments", "structlog", "attr", "httpx", "httpcore", "anyio", "jsonschema", "typer.rich_utils",
    "botocore", "bridge.demo", "bridge.selftest", "bridge.sandbox", "bridge.cli.checks.cluster", "bridge.cli.samples",
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


def test_a_start_loads_nothing_that_only_other_commands_or_a_terminal_need(tmp_path: Path) -> None:
    """A start whose broker never answers has built everything."""
    (tmp_path / "bridge.yaml").write_text(CONFIGURATION, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "bridge.yaml")], capture_output=True, text=True, check=False
    )
    assert "127.0.0.1:1" in ran.stdout + ran.stderr
    loaded, looks = ran.stderr.splitlines()[-1].rsplit(" ", 1)
    assert loaded == "[]"
    assert int(looks) < 20, "the garbage collector looks at what the modules are made of again and again"
