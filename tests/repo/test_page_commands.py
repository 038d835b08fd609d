"""Every command of every page: taken by the real parser, or of a program in one list, with what holds it instead."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from typer.exceptions import TyperException

from tests.repo import named_commands
from tests.support.docs import commands
from tests.support.docs.commands import BRIDGE, Command

ROOT = Path(__file__).parents[2]
PAGES = sorted((
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "helm/track-bridge/README.md")),
    *(ROOT / "docs").rglob("*.md"),
))  # fmt: skip

ELSEWHERE: Final[Mapping[str, str]] = {
    "kube": "a cluster: tests/unit/docs/test_runbook.py runs the words of operate.sh with a kubectl of its own",
    "kubectl": "a cluster; every object that is named is rendered by tests/chart",
    "helm": "a cluster: tests/chart renders with these values, make chart-cluster installs, upgrades and rolls back",
    "flux": "Flux in a cluster",
    "docker": "a container engine: tests/image builds and runs it, tests/repo/test_compose.py reads compose.yaml",
    "systemctl": "systemd as root: tests/repo/test_systemd.py holds the unit",
    "useradd": "root: tests/repo/test_systemd.py compares the user with the unit's",
    "install": "root: tests/repo/test_systemd.py compares the paths with the unit's",
    "kafka": "tools of Kafka: tests/integration/cli/test_documented_acls.py grants the permissions as written",
    "kcat": "a program that is not ours; what it prints is read by tests/unit/docs/test_runbook.py",
    "rpk": "Redpanda's own program",
    "pip": "an index of packages: tests/repo/test_package.py builds the wheel and looks into it",
    "python3": "makes an environment: scripts/bootstrap does the same in every run of the tests",
    "/opt/track-bridge/bin/pip": "an index of packages and root; tests/repo/test_systemd.py compares the paths",
    "curl": "the compose file's emulator; tests/contract/emulator asks the same addresses",
    "logs": "a word of the runbook: tests/unit/docs/test_runbook.py runs it",
    "tools()": "a word of the runbook: tests/unit/docs/test_runbook.py runs it",
    "echo": "of the shell",
    "export": "of the shell",
    "split": "of the shell",
    "head": "of the shell; tests/component/cli/test_tutorial.py runs it",
    "cat": "of the shell; tests/component/cli/test_tutorial.py runs it",
    "sed": "of the shell; tests/component/cli/test_tutorial.py runs it",
}
"""Programs that no quick test can run, and what holds their lines instead."""
_ENVIRONMENT = re.compile(r"^(?:[A-Z_][A-Z_0-9]*=(?:'[^']*'|\"[^\"]*\"|\S*)\s+)+(?=\S)")
_HERE_DOCUMENT = re.compile(r"( <<'EOF')\n.*?^EOF$", re.MULTILINE | re.DOTALL)
_KAFKA_SCRIPT = re.compile(r"(?:ACL=[\"'])?kafka-[a-z-]+\.sh")
_OPEN = re.compile(r"…|\.\.\.|<[a-z]|\|earliest\|")
"""What is left out of a line, so that it is no whole command."""


def of_pages() -> Iterator[tuple[str, Command]]:
    for page in PAGES:
        for command in commands.commands(_HERE_DOCUMENT.sub(r"\1", page.read_text(encoding="utf-8"))):
            yield page.name if page.parent.name == "docs" else str(page.relative_to(ROOT)), command


ALL = list(of_pages())


def without_environment(text: str) -> str:
    """A line without the variables that are set for it alone."""
    return text if _KAFKA_SCRIPT.match(text) else _ENVIRONMENT.sub("", text)


def problem(text: str) -> str | None:
    """Why a line is not one that works; None where it does, as far as it can be known without what it needs."""
    line = without_environment(text)
    program, *_ = line.split()
    if program in BRIDGE:
        return _of_the_bridge(line)
    if program == "make":
        return _of_make(line)
    if program.endswith("/python"):
        module = re.search(r" -m ([\w.]+)", line)
        return None if module and importlib.util.find_spec(module[1]) else f"no module in {line}"
    if program in ELSEWHERE or _KAFKA_SCRIPT.match(program):
        return None
    return f"no test knows {program}"


def _of_the_bridge(line: str) -> str | None:
    if _OPEN.search(line):
        return None
    typed = re.sub(r"\$[A-Z_]+", "3", Command(0, line).typed({}))
    words = Command(0, re.sub(r" --file$", " --file FILE", typed)).words[1:]
    if " ".join(words) in named_commands.names() or not words or words[0].startswith("-"):
        return None  # a sentence that speaks of a command by its name
    try:
        named_commands.parse(words)
    except (TyperException, KeyError, IndexError) as error:
        return str(error)
    return None


def _of_make(line: str) -> str | None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"\$\(([A-Z_]+)\)", makefile)) | {"PYTHON"}
    words = shlex.split(line.partition("#")[0])[1:]
    wrong = [
        word for word in words if word not in targets and word.partition("=")[0] not in variables and word != "TARGET"
    ]
    return f"the Makefile knows no {', '.join(wrong)}" if wrong else None


def test_every_command_of_every_page_is_one_that_works_or_is_held_by_what_its_program_needs() -> None:
    assert len(ALL) > 500
    assert [f"{page}:{each.line}: {each.text}: {wrong}" for page, each in ALL if (wrong := problem(each.text))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_shell_can_read_every_block_of_a_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    script = "\n".join(each.text for each in commands.blocks(text) if not _OPEN.search(each.text))
    ran = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_list_names_no_program_that_no_page_uses() -> None:
    used = {without_environment(each.text).split()[0] for _, each in ALL}
    assert set(ELSEWHERE) - used == set()


def test_a_command_that_is_none_is_found() -> None:
    assert problem("track-bridge status --nonsense")
    assert problem("track-bridge nonsense")
    assert problem("make nonsense")
    assert problem(".venv/bin/python -m bench.nonsense")
    assert problem("nonsense --help") == "no test knows nonsense"
    assert problem("BRIDGE_CONFIG=x.yaml track-bridge check --offline") is None
