"""How any command ends: codes, sentences, and never a traceback that nobody asked for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import __version__, commands
from bridge.cli import entry, status
from tests.unit.cli.conftest import CONFIG, Cli

PYTHON = (sys.executable, "-m", "bridge")


def _broken(_url: str) -> dict[str, object]:
    raise LookupError("user u-17 has NX-secret")


def _interrupted(_url: str) -> dict[str, object]:
    raise KeyboardInterrupt


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version") == (ran := cli("--version"))
    assert (ran.code, ran.out) == (0, f"track-bridge {__version__}\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dlq", "list", "--status", "4x"), "Invalid value for '--status': must be a whole number"),
        (("dlq", "list", "--status", "4000"), "Invalid value for '--status': must be at most 599"),
        (("dlq", "list", "--status", "40"), "Invalid value for '--status': must be at least 100"),
        (("dlq", "list", "--limit", "0"), "Invalid value for '--limit': must be at least 1"),
        (("topics", "create", "--partitions", "few"), "Invalid value for '--partitions': must be a whole number"),
    ],
)
def test_a_value_that_an_option_does_not_take_is_refused_in_our_own_words(
    cli: Cli, words: tuple[str, ...], said: str
) -> None:
    ran = cli(*words)
    assert ran.code == 2
    assert ran.err.rstrip().endswith(said)
    assert "Input should" not in ran.err


def test_an_unknown_command_is_2_and_names_the_nearest(cli: Cli) -> None:
    ran = cli("chek")
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean 'check'" in ran.err


def test_an_unknown_option_is_2(cli: Cli) -> None:
    assert cli("check", "--ofline").code == 2


def test_a_defect_is_70_with_one_sentence_that_repeats_no_payload(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRIDGE_TRACEBACK", raising=False)
    monkeypatch.setattr(status, "_fetch", _broken)
    ran = cli("status")
    assert ran.code == 70
    assert ran.err.startswith("track-bridge: LookupError in status.py, line ")
    assert "--traceback" in ran.err
    assert ran.err.count("\n") == 1
    assert "u-17" not in ran.err


@pytest.mark.parametrize("arguments", [("--traceback", "status"), ("status", "--traceback")])
def test_a_defects_traceback_is_shown_to_who_asks(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(status, "_fetch", _broken)
    ran = cli(*arguments)
    assert (ran.code, "Traceback" in ran.err) == (70, True)


def test_the_environment_can_ask_for_it_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "_fetch", _broken)
    monkeypatch.setenv("BRIDGE_TRACEBACK", "1")
    assert "Traceback" in cli("status").err


def test_ctrl_c_is_130_and_silent(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "_fetch", _interrupted)
    ran = cli("status")
    assert (ran.code, ran.out, ran.err) == (130, "", "")


def test_a_reader_that_has_seen_enough_is_no_failure_worth_a_word() -> None:
    with subprocess.Popen(
        [*PYTHON, "schema", "status"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=0
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == ""
        assert program.wait() == 141


def test_a_locale_without_the_character_costs_the_character_only() -> None:
    ran = subprocess.run(
        [*PYTHON, "check", "-c", "mißraten.yaml"],
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"mi\\xdfraten.yaml: does not exist")


def test_help_needs_neither_kafka_nor_http_nor_pydantic() -> None:
    """Loading any of them takes longer than everything else that `track-bridge --help` does."""
    program = (
        "import sys; from bridge.cli import entry; entry.run(['--help']);"
        "heavy = {'confluent_kafka', 'httpx', 'pydantic', 'rich', 'orjson', 'structlog', 'uvloop', 'asyncio',"
        " 'bridge.mapping', 'bridge.kafka', 'bridge.track', 'bridge.service'};"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("name", ["bridge", "track-bridge"])
def test_both_names_are_the_same_program(name: str, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    monkeypatch.setattr(sys, "argv", [str(Path("/usr/bin") / name)])
    assert cli("--help").out.startswith(f"Usage: {name} ")


def test_output_to_a_file_has_no_colour_codes(cli: Cli) -> None:
    for command in ("run", "demo", "check", "map", "send", "test", "topics", "status", "schema"):
        ran = cli(command, "--help")
        assert ran.code == 0
        assert "\x1b" not in ran.out


def test_every_command_says_in_one_line_what_it_does(cli: Cli) -> None:
    commands = cli("--help").out.partition("Commands:")[2].partition("\n\n")[0].strip().splitlines()
    assert len(commands) >= 9
    assert [line for line in commands if line.endswith("...")] == []


def test_entry_returns_and_never_exits_by_itself() -> None:
    assert isinstance(entry.run(["--version"]), int)


def test_a_bridge_without_a_proxy_starts_without_the_http_library_for_proxies() -> None:
    program = "import sys, bridge.service.main; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("called", "to_type"),
    [
        ("/opt/here/bin/track-bridge", "track-bridge"),
        ("/opt/here/bin/bridge", "bridge"),
        ("/elsewhere/my env/bin/bridge", "'/elsewhere/my env/bin/bridge'"),
        ("pytest", "track-bridge"),
    ],
)
def test_sentences_name_the_program_as_it_can_be_called(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str, to_type: str
) -> None:
    found = {"track-bridge": "/opt/here/bin/track-bridge", "bridge": "/opt/here/bin/bridge"}
    monkeypatch.setattr(sys, "argv", [called])
    monkeypatch.setattr(shutil, "which", found.get)
    path = tmp_path / "my own.yaml"
    example = "{name: a, input: {type: audit.read}, expect: {event_name: A, user_id: u}}"
    path.write_text(f"{CONFIG}  examples: [{example}]\n")
    assert f"`{to_type} test -c '{path}'` shows" in cli("check", "--offline", "-c", str(path)).out
    monkeypatch.setenv("BRIDGE_CONFIG", str(path))
    assert f"`{to_type} test` shows" in cli("check", "--offline").out, "found without being named, and so again"
    assert commands.invocation() == commands.Invocation(), "a process that runs several commands keeps them apart"


def test_an_interpreter_that_its_name_does_not_find_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment's is a link to one without its packages: where the links lead says nothing."""
    monkeypatch.setattr(sys, "argv", ["/x/bridge/__main__.py"])
    for name in ("my env", "another"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "python3").symlink_to(sys.executable)
    own = tmp_path / "my env" / "python3"
    monkeypatch.setattr(sys, "executable", str(own))
    for path, to_type in (("my env", "python3"), ("another", f"'{own}'"), ("none", f"'{own}'")):
        monkeypatch.setenv("PATH", str(tmp_path / path))
        assert entry._to_type() == f"{to_type} -m bridge"
