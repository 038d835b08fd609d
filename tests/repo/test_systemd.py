"""The unit in deploy/systemd, and what docs/production.md does with it on a host without containers."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from bridge.config.sections import Kafka
from bridge.exits import ExitCode
from tests.support.docs import commands

BESIDE_THE_DRAIN = 25
"""Seconds, as docs/production.md says of every supervisor."""


@pytest.fixture
def unit(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd minds the case
    parser.read(root / "deploy" / "systemd" / "track-bridge.service", encoding="utf-8")
    return parser


def host() -> list[str]:
    (block,) = [each for each in commands.blocks(commands.text_of("production")) if "/opt/track-bridge" in each.text]
    return block.text.splitlines()


def test_a_stop_has_the_time_that_a_drain_takes_and_a_refused_configuration_is_not_started_again(
    unit: configparser.ConfigParser,
) -> None:
    drain = Kafka.model_fields["drain_timeout"].get_default(call_default_factory=True)
    assert float(unit["Service"]["TimeoutStopSec"]) == drain + BESIDE_THE_DRAIN
    assert unit["Service"]["RestartPreventExitStatus"] == str(int(ExitCode.USAGE))
    assert "KillSignal" not in unit["Service"]  # SIGTERM, which the bridge stops by


def test_the_unit_runs_what_the_page_installs_as_the_user_it_makes(unit: configparser.ConfigParser, root: Path) -> None:
    lines = host()
    program, command = unit["Service"]["ExecStart"].split()
    folder = program.removesuffix("/bin/track-bridge")
    assert f"python3 -m venv {folder}" in lines
    assert command == "run"
    assert "track-bridge" in tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    [user] = [line for line in lines if line.startswith("useradd")]
    assert user.split()[-1] == unit["Service"]["User"]
    [configuration] = [line for line in lines if line.endswith(".yaml")]
    assert f"BRIDGE_CONFIG={configuration.split()[-1]}" in unit["Service"]["Environment"].split()
    for line in lines:
        for named in re.findall(r"\b(?:deploy|requirements)/\S+", line):
            assert (root / named).is_file(), named


def test_the_runbooks_words_for_a_host_are_those_of_the_unit(unit: configparser.ConfigParser) -> None:
    words = commands.block(commands.text_of("runbook"), "host")
    assert "UNIT=track-bridge\n" in words
    assert f'"{Path(unit["Service"]["ExecStart"].split()[0]).parent}:$PATH"' in words
    assert unit["Service"]["Environment"] in words
    folder = f"/run/{unit['Service']['RuntimeDirectory']}/"
    assert f"__CONTROL_SOCKET={folder}" in unit["Service"]["Environment"]
    assert unit["Service"]["RuntimeDirectoryMode"] == "0700"  # a directory that others may enter is refused


def test_systemd_finds_nothing_wrong_with_it(root: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on PATH")
    text = (root / "deploy" / "systemd" / "track-bridge.service").read_text(encoding="utf-8")
    # The program and its user are not on this machine.
    here = re.sub(
        r"^ExecStart=\S+",
        "ExecStart=/bin/true",
        re.sub(r"^User=.*$", "User=daemon", text, flags=re.MULTILINE),
        flags=re.MULTILINE,
    )
    path = tmp_path / "track-bridge.service"
    path.write_text(here, encoding="utf-8")
    judged = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    assert (judged.returncode, "track-bridge.service:" in judged.stderr) == (0, False), judged.stderr
