"""A whole start with OTEL_* variables, against a collector on loopback; and one where the packages are missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service.collector import collector, plain
from tests.unit.service.test_light_start import CONFIGURATION

WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""
START = """
from bridge import cli
import sys
sys.argv = ["bridge", "run", "-c", sys.argv[1]]
cli.main()
"""


def started(folder: Path, program: str, **environ: str) -> tuple[int, str]:
    """Exit code and what was said by a bridge whose broker never answers."""
    (folder / "bridge.yaml").write_text(CONFIGURATION, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", program, str(folder / "bridge.yaml")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.slow
def test_a_process_exports_its_lines_and_metrics_also_while_kafka_does_not_answer(tmp_path: Path) -> None:
    with collector() as there:
        code, said = started(tmp_path, START, OTEL_EXPORTER_OTLP_ENDPOINT=there.url, OTEL_SERVICE_NAME="ours")
        assert code == 3
        assert '"event":"telemetry_on"' in said
        assert "telemetry_not_exported" not in said
        assert {"telemetry_on", "kafka_lost"} & set(there.logs)
        assert "track_bridge_build_info" in there.metrics
        (resource,) = there.took["/v1/metrics"][0].resource_metrics
        assert plain(resource.resource.attributes)["service.name"] == "ours"


@pytest.mark.slow
def test_it_ends_as_ever_where_the_collector_is_away(tmp_path: Path) -> None:
    code, said = started(tmp_path, START, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert code == 3
    assert said.count('"event":"telemetry_not_exported"') <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "install track-bridge[otel]"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
    ],
)
def test_what_is_not_installed_or_not_spoken_is_a_sentence_and_no_end(
    tmp_path: Path, environ: dict[str, str], sentence: str
) -> None:
    code, said = started(tmp_path, WITHOUT + START, **environ)
    assert code == 3
    assert '"event":"telemetry_problem"' in said
    assert sentence in said


@pytest.mark.slow
def test_without_the_packages_and_without_variables_nothing_is_said(tmp_path: Path) -> None:
    code, said = started(tmp_path, WITHOUT + START, OTEL_SDK_DISABLED="true", OTEL_EXPORTER_OTLP_ENDPOINT="http://x")
    assert code == 3
    assert "telemetry" not in said
