"""What the shell offers after `track-bridge dlq … --reason`, `--route`, `--type` and `--origin`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli import entry
from bridge.model import LetterReason
from tests.unit.cli.test_help import COMMANDS, _named

Offer = Callable[..., list[str]]
VERBS = ("stats", "list", "replay", "discard", "export")


@pytest.fixture
def offer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Offer:
    """``offer("dlq", "list", "--reason", "")``: what bash would be offered for the last of these words."""

    def ask(*words: str) -> list[str]:
        monkeypatch.setenv("_TRACK_BRIDGE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["track-bridge", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        capsys.readouterr()
        with pytest.raises(SystemExit):
            entry.run([])
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.split()

    return ask


@pytest.mark.parametrize("verb", VERBS)
def test_reasons_come_from_the_one_list(offer: Offer, verb: str) -> None:
    assert offer("dlq", verb, "--reason", "") == sorted(LetterReason)
    assert offer("dlq", verb, "--reason", "un") == ["unauthorized", "undecodable", "unmappable"]


@pytest.mark.parametrize("where", ["before", "within", "environment"])
def test_routes_types_and_topics_come_from_the_configuration_wherever_it_is_named(
    offer: Offer, config: Callable[..., str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    path = config("topics: [shop.orders]", "topics: [shop.orders, shop.returns, ^shop.x.*]")
    before = ["-c", path] if where == "before" else []
    within = ["-c", path] if where == "within" else []
    if where == "environment":
        monkeypatch.setenv("BRIDGE_CONFIG", path)
    assert offer(*before, "dlq", "list", *within, "--route", "") == ["order.completed"]
    assert offer(*before, "dlq", "list", *within, "--type", "or") == ["order.completed"]
    assert offer(*before, "dlq", "list", *within, "--origin", "shop.") == ["shop.orders", "shop.returns"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("hold", "shop."), ["shop.orders", "shop.returns"]),
        (("resume", ""), ["shop.orders", "shop.returns"]),
        (("explain", "shop.o"), ["shop.orders/"]),
        (("map", "--from-topic", ""), ["shop.orders", "shop.returns"]),
        (("map", ""), []),
        (("send", "--topic", "shop.r"), ["shop.returns"]),
        (("send", "--rate", ""), ["100%", "20%", "50%"]),
        (("offsets", "set", "shop.orders", "--to", ""), ["earliest", "end", "latest"]),
        (("dlq", "list", "--status", "42"), ["422", "429"]),
        (("dlq", "list", "--kind", ""), ["company", "identify", "track"]),
        (("tap", "--route", ""), ["order.completed"]),
        (("pause", "shop.orders", "--for", "1"), ["15m", "1h"]),
        (("schema", "br"), ["bridge"]),
    ],
)
def test_values_are_offered_wherever_they_are_known_without_a_broker(
    offer: Offer,
    config: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    offered: list[str],
) -> None:
    monkeypatch.setenv(
        "BRIDGE_CONFIG", config("topics: [shop.orders]", "topics: [shop.orders, shop.returns, ^shop.x.*]")
    )
    assert offer(*words) == offered


OFFERED = {
    "TOPIC", "TOPIC[/PARTITION]", "TOPIC/PARTITION/OFFSET", "TOPIC[:P[:OFFSETS]]", "ROUTE", "REASON", "KIND", "TYPE",
    "CODE", "SHARE|RATE", "OFFSET|earliest|latest|TIME", "OFFSET|earliest|latest|end|TIME",
    "OFFSET|earliest|latest|TIME|group",
}  # fmt: skip
"""What options and arguments call the values that are known without a broker; files the shell offers itself."""


def test_what_has_values_that_are_known_offers_them_in_every_command() -> None:
    silent = [
        (" ".join(path), parameter.opts[0])
        for path in COMMANDS
        for parameter in _named(path).params
        if parameter.metavar in OFFERED and parameter._custom_shell_complete is None
    ]
    assert silent == []


@pytest.mark.parametrize(
    "content", [None, "kafka: [\n", "", "mapping: 7\n", "mapping:\n  events: {a: {event_name: 'data.['}}\n"]
)
@pytest.mark.parametrize("option", ["--route", "--type", "--origin"])
def test_a_configuration_that_is_broken_or_missing_offers_nothing_and_says_nothing(
    offer: Offer, tmp_path: Path, content: str | None, option: str
) -> None:
    path = tmp_path / "bridge.yaml"
    if content is not None:
        path.write_text(content)
    assert [each for each in offer("dlq", "list", "-c", str(path), option, "") if each != "a"] == []


def test_nobody_is_asked_and_the_kafka_client_is_not_even_loaded(config: Callable[..., str]) -> None:
    program = (
        "import sys; from bridge.cli import entry\n"
        "try: entry.run([])\n"
        "finally: print(sorted(m for m in sys.modules if m in ('confluent_kafka', 'httpx', 'asyncio')))\n"
    )
    words = f"track-bridge dlq list -c {config()} --route "
    environ = {**os.environ, "_TRACK_BRIDGE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "6"}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["order.completed", "[]"], ran.stderr
