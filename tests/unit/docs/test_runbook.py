"""docs/runbook.md: whoever is woken finds the section, and every section says how one knows that it is over."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.exceptions import TyperException

from bridge.cli import entry
from bridge.cli.app import app
from bridge.exits import MEANINGS
from bridge.holds import REASONS, SHOWN
from bridge.ops.metrics.catalogue import CATALOGUE
from bridge.ops.status.concerns import OTHERS, STALLED
from tests.support.docs import commands
from tests.support.docs.commands import Command

PAGE = commands.text_of("runbook")
SECTIONS = commands.DOCS.parent / "bridge/ops/status/status_text/sections.py"
PAGES = ("runbook", "production", "gitops", "operations", "dead-letters", "image", "try-it")
"""What operators are told to type stands on these."""

SYMPTOMS = (
    "events are missing in Userpilot",
    "events come late",
    "events come twice",
    "wrong events are being sent",
    "nothing is delivered after a deploy",
    "the mapping is wrong",
    "Kafka is down",
    "a topic is missing",
    "the key is refused",
    "pods restart",
    "the lag grows",
    "a partition is stuck",
    "`status` says HELD",
    "dead letters grow",
)
PARTS = ["Meaning", "First look", "Fix", "Over when"]
NOT_ABOUT_A_PROBLEM = (
    "Set up your shell",
    "Three looks answer most of it",
    "What status says",
    "Exit codes",
)
TASKS = ("Stop and start the bridge", "Roll back", "Replay dead letters", "Send records again from a file")
"""Sections that say how something is done, and when it has been."""


def sections(text: str) -> dict[str, str]:
    """By heading of the second level."""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0]: part for part in parts}


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", each.lower()).replace(" ", "-") for each in headings}


def rows(text: str) -> list[list[str]]:
    """The cells of every table line."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


# --- finding the section -----------------------------------------------------------------------------


def test_the_page_begins_with_an_index_by_symptom_and_each_entry_leads_to_a_section() -> None:
    before = PAGE.partition("\n## ")[0]
    index = {cells[0]: cells[1] for cells in rows(before)}
    assert set(SYMPTOMS) <= index.keys()
    there = anchors(PAGE)
    for symptom in SYMPTOMS:
        targets = re.findall(r"\]\(#([^)]+)\)", index[symptom])
        assert targets, symptom
        assert set(targets) <= there, symptom


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    text = commands.text_of(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, heading = target.partition("#")
        if "://" in name:
            continue
        path = (commands.DOCS / name) if name else commands.DOCS / f"{page}.md"
        assert path.exists(), target
        if heading:
            assert heading in anchors(path.read_text(encoding="utf-8")), target


def test_every_reason_that_status_shows_leads_to_a_section() -> None:
    table = rows(sections(PAGE)["What status says"])[2:]
    leads = {reason: (ends, target) for names, ends, target in table for reason in re.findall(r"`(\w+)`", names)}
    assert leads.keys() == {reason.value for reason in SHOWN} | set(OTHERS)
    there = anchors(PAGE)
    for name in OTHERS:
        ends, target = leads[name]
        assert ends == ("by itself" if name == STALLED else "when you act"), name
        assert set(re.findall(r"\]\(#([^)]+)\)", target)) & there, name
    for reason in SHOWN:
        ends, target = leads[reason.value]
        if reason.value in ("idle", "draining"):
            continue
        assert ends == ("when you act" if REASONS[reason].needs_operator else "by itself"), reason
        assert set(re.findall(r"\]\(#([^)]+)\)", target)) & there, reason


def test_every_exit_code_is_explained() -> None:
    table = rows(sections(PAGE)["Exit codes"])[2:]
    explained = {int(code) for codes, *_ in table for code in re.findall(r"\d+", codes)}
    assert explained == {int(code) for code in MEANINGS} | {137}


def test_every_section_about_a_problem_says_what_it_is_where_to_look_what_to_do_and_when_it_is_over() -> None:
    for name, section in sections(PAGE).items():
        if name in NOT_ABOUT_A_PROBLEM:
            continue
        found = re.findall(r"^\*\*(Meaning|First look|Fix|Over when)\.\*\*", section, re.MULTILINE)
        assert found == (PARTS[-1:] if name in TASKS else PARTS), name


OTHERS_WORDS = {
    *("Running", "Ready", "Complete", "Failed", "successfully rolled out"),  # Kubernetes
    "Synced",  # Argo CD
    *("how long does Kafka keep them", "why", "before", "not"),
}


def test_what_to_look_at_is_called_as_status_and_the_dashboard_call_it() -> None:
    outside = re.sub(r"^```.*?^```|`[^`]*`", "", PAGE, flags=re.MULTILINE | re.DOTALL).replace("**", "")
    named = {" ".join(each.split()) for each in re.findall(r"(?<![\w*])\*([^*]+)\*(?![\w*])", outside)}
    said = SECTIONS.read_text(encoding="utf-8")
    sections_of_status = set(re.findall(r'^        \("([A-Z][a-z ]+)", ', said, re.MULTILINE))
    assert {"Needs someone", "Lost"} <= sections_of_status
    board = json.loads(
        (commands.DOCS.parent / "helm/track-bridge/dashboards/track-bridge.json").read_text(encoding="utf-8")
    )
    panels = {each["title"] for row in board["panels"] for each in (row, *row.get("panels", ()))}
    assert named - sections_of_status - panels - OTHERS_WORDS == set()


# --- what is typed -----------------------------------------------------------------------------------


def of_the_bridge(page: str) -> list[Command]:
    return [each for each in commands.commands(commands.text_of(page)) if each.program in commands.BRIDGE]


@functools.cache
def program_parser() -> Any:
    """Made once: it takes a tenth of a second, and keeps nothing of what it has parsed."""
    return typer.main.get_command(app)


def parsed(program: str, words: list[str]) -> None:
    """As the program itself reads its command line; nothing is run. A name alone, in a sentence, only speaks of it.

    In a block it has to be whole: see tests/repo/test_named_commands.py.
    """
    group, context = program_parser(), None
    if words[0].startswith("-"):  # what such an option asks for would be done here and now
        assert words in [[option] for each in group.params for option in each.opts], words
        return
    while words and isinstance(group, typer.core.TyperGroup) and words[0] in group.commands:
        context = group.make_context(words[0], [], parent=context, resilient_parsing=True)
        group, words = group.commands[words[0]], words[1:]
    if words or program == "tools":
        group.make_context("bridge", words, parent=context)


COMMANDS = sorted({each.typed({}) for page in PAGES for each in of_the_bridge(page)})


@pytest.mark.parametrize("text", COMMANDS)
def test_the_program_takes_every_command_of_the_pages(text: str) -> None:
    text = text.replace("…", "").replace("[/0]", "/0").replace("OFFSET|earliest|latest|end|", "").strip()
    program, *words = Command(0, text).words
    if words[-1] == "--file":
        words.append("FILE")
    try:
        parsed(program, words)
    except TyperException as error:
        pytest.fail(f"{text}: {error}", pytrace=False)


def test_nothing_on_the_page_is_a_command_that_no_test_knows() -> None:
    """What has a space and stands in backticks is a command, or one of these few things that are none."""
    none = (
        r"--[a-z-]+ [A-Z]+|--container check",  # an option of a command beside it
        r"[\w.]+: \w+",  # a setting
        r"\{.*\}",  # a record
        r"consumed = [\w +]+",  # the accounting
        r"(dlq|topics|offsets) [a-z]+",  # a command of the bridge by its name
    )
    for span in commands.spans(PAGE):
        if len(span.text.split()) > 1 and not commands.is_command(span.text):
            assert any(re.fullmatch(each, span.text) for each in none), f"line {span.line}: {span.text}"
    for command in commands.commands(PAGE):
        assert command.program in commands.PROGRAMS, f"line {command.line}: {command.text}"


def test_whatever_is_left_to_the_reader_is_one_of_the_names_the_page_explains() -> None:
    explained = re.findall(r"`([A-Z]+)`", PAGE.partition("In capitals on this page:")[2].partition("are to be")[0])
    set_up = {"KIND", "NAME", "SELECTOR", "BRIDGE", "UNIT", "PATH"}
    for command in commands.commands(PAGE):
        unquoted = re.sub(r"'[^']*'", "", command.text)
        assert set(re.findall(r"\b[A-Z]{2,}\b", unquoted)) <= set_up | set(explained), command


@pytest.mark.parametrize("page", PAGES)
def test_a_shell_can_read_every_block_and_every_command(page: str) -> None:
    text = commands.text_of(page)
    for script in [each.text for each in commands.blocks(text)] + [each.text for each in commands.commands(text)]:
        if "…" in script or "|earliest|" in script:
            continue
        ran = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), script


def test_the_page_looks_only_at_metrics_that_exist() -> None:
    assert set(re.findall(r"\btrack_bridge_\w+", PAGE)) <= {metric.name for metric in CATALOGUE}


# --- records from a file -----------------------------------------------------------------------------

CONFIGURATION = """\
kafka: {bootstrap_servers: "kafka-1:9092", group_id: g, topics: [shop.orders], start_from: latest}
track: {endpoint: https://analytex-eu.userpilot.io, api_key: NX-key}
dead_letter: {topic: letters}
mapping: {user_id: user, event_type: kind, events: {order: {event_name: Order}}}
"""
VALUE = {"kind": "order", "user": "u-1"}
WHERE = {"topic": "shop.orders", "partition": 3, "offset": 17}
TIME = 1_700_000_000_000
HASH = sha256(f"{json.dumps(VALUE)}\n".encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("line", "option", "event_id"),
    [
        ({**WHERE, "ts": TIME, "tstype": "create", "payload": json.dumps(VALUE)}, (), "shop.orders/3/17"),
        (
            {**WHERE, "timestamp": TIME, "key": "k", "value": VALUE, "headers": {}},
            ("--record",),
            "shop.orders/3/17",
        ),
        (VALUE, ("--topic", "shop.orders"), f"file:{HASH}/1"),
    ],
    ids=["kcat", "whole records", "values alone"],
)
def test_lost_records_from_a_file_have_the_id_and_time_that_the_page_says(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    line: dict[str, Any],
    option: tuple[str, ...],
    event_id: str,
) -> None:
    (tmp_path / "bridge.yaml").write_text(CONFIGURATION)
    (tmp_path / "lost.ndjson").write_text(json.dumps(line) + "\n")
    file, config = str(tmp_path / "lost.ndjson"), str(tmp_path / "bridge.yaml")
    assert entry.run(["map", file, "--json", "-c", config, *option]) == 0
    metadata = json.loads(capsys.readouterr().out)["outcomes"][0]["request"]["metadata"]
    assert metadata["event_id"] == event_id
    assert (metadata["occurred_at"] == "2023-11-14T22:13:20Z") == (line is not VALUE)


# --- Compose ------------------------------------------------------------------------------------------

DOCKER = """\
#!/bin/sh
echo "$*" >> "$DONE"
case "$*" in *" ps --quiet "*|"ps --quiet "*) echo one; echo two ;; esac
"""
"""Two containers run, and everything works."""


def test_the_words_for_compose_reach_the_containers_of_its_service(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text(DOCKER)
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "DONE": str(tmp_path / "done")}
    lines = [each.text for each in commands.commands(PAGE) if each.text.startswith("docker compose")]
    assert len(lines) == 4
    script = [commands.block(PAGE, "compose"), "track-bridge status", "track-bridge dlq stats", "logs", *lines]
    subprocess.run(["bash", "-euc", "\n".join(script)], env=environ, check=True)

    done = (tmp_path / "done").read_text().splitlines()
    assert [each for each in done if each.startswith("exec")] == [
        "exec one track-bridge status",
        "exec two track-bridge status",
        "exec one track-bridge dlq stats",
    ]
    services = yaml.safe_load((commands.DOCS.parent / "compose.yaml").read_text())["services"]
    for each in done:
        if each.startswith("compose"):
            assert each.split()[-1] in services
            assert each.split()[1] in ("ps", "logs", "run", "stop", "start", "up")


def test_the_words_stay_the_same_wherever_the_bridge_runs() -> None:
    """A host has the program itself in place of the word, and no list of replicas."""
    defined = {
        about: set(re.findall(r"^([a-z-]+)\(\)", commands.block(PAGE, about), re.MULTILINE))
        for about in ("kubernetes", "compose", "host")
    }
    assert defined["compose"] == {"replicas", "logs", "track-bridge"}
    assert defined["kubernetes"] == defined["compose"] | {"kube"}
    assert defined["host"] == {"logs"}
