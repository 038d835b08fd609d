"""What a visitor typed is worked out in a process with limits, whatever it asks for, and the console goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from bridge.console.confined import match_values
from bridge.console.confined.cell import ConfinedCell, ConfinedProcess
from bridge.console.confined.frames import MEGABYTES, SECONDS
from bridge.console.forms import PageRefusedError
from tests.support.console.running import LOCAL, ConsoleSetting, Opened, Visitor, console_of, logging_to
from tests.support.log_output import LogOutput

TENFOLD = " | join('', [@, @, @, @, @, @, @, @, @, @])"
ALL_MEMORY = f"""\
user_id: data.user
events: {{a: {{event_name: A, metadata: {{n: "length(data.text{TENFOLD * 8})"}}}}}}
"""
"""A hundred million times what the record has."""
MAPPING = "user_id: data.user\nevents: {a: {event_name: A}}\n"
VALUE = '{"type": "a", "data": {"user": "u"}}'


@contextlib.contextmanager
def running(cell: ConfinedCell) -> Iterator[ConfinedProcess]:
    """A process that has its first message."""
    with cell.turn():
        process = cell.start(match_values.__name__)
        assert process.ask(b"data.n == `1`") == match_values.YES
        yield process


@pytest.mark.slow
def test_a_mapping_that_takes_all_memory_is_stopped_and_the_next_one_is_tried(visitor: Visitor) -> None:
    record = '{"type": "a", "data": {"user": "u", "text": "a hundred bytes are a few gigabytes then"}}'
    answer = visitor.post("/mapping/try", {"mapping": ALL_MEMORY, "record": record, "topic": "shop.orders"})
    assert answer.status_code == 503
    assert "was stopped" in answer.text
    answer = visitor.post("/mapping/try", {"mapping": MAPPING, "record": VALUE, "topic": "shop.orders"})
    assert answer.status_code == 200
    assert "event_name" in answer.text


@pytest.mark.parametrize(("field", "size"), [("record", 100_001), ("mapping", 120_000)])
def test_what_is_too_long_is_not_tried(visitor: Visitor, field: str, size: int) -> None:
    answer = visitor.post("/mapping/try", {"mapping": MAPPING, "record": VALUE, field: "#" * size})
    assert answer.status_code == 413


def test_where_there_is_a_token_only_who_has_it_tries(with_token: ConsoleSetting, opened: Opened) -> None:
    with opened(with_token) as visitor:
        answer = visitor.post("/mapping/try", {"mapping": MAPPING, "record": VALUE})
        assert answer.status_code == 403
        assert "needs the token" in answer.text
        assert "See what it becomes" not in visitor.get("/mapping").text
        visitor.log_in()
        given = {"csrf": visitor.csrf(), "mapping": MAPPING, "record": VALUE}
        assert visitor.post("/mapping/try", given).status_code == 200


def test_one_is_worked_out_at_a_time(setting: ConsoleSetting, logged: LogOutput) -> None:
    log = logging_to(logged)
    console = console_of(setting, log.logger)
    visitor = Visitor(TestClient(console.application, base_url=LOCAL))
    with console._parts.confined.turn():
        answer: Any = visitor.post("/mapping/try", {"mapping": MAPPING, "record": VALUE})
    assert answer.status_code == 503
    assert "one is at a time" in answer.text
    console.close()
    ended = visitor.post("/mapping/try", {"mapping": MAPPING, "record": VALUE})
    assert ended.status_code == 503
    assert "being stopped" in ended.text
    log.close()


def test_the_process_has_limits_and_nothing_of_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_TRACK__API_KEY", "NX-the-secret-key")
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        server.set_inheritable(True)
        process = stack.enter_context(running(ConfinedCell()))
        place = Path(f"/proc/{process.pid}")
        limits = {line[:25].strip(): line[25:].split()[:2] for line in (place / "limits").read_text().splitlines()}
        assert limits["Max address space"] == [str(MEGABYTES * 1_000_000)] * 2
        assert limits["Max cpu time"] == [str(SECONDS)] * 2
        assert not [each for each in (place / "fd").iterdir() if str(each.readlink()).startswith("socket:")]
        assert b"NX-the-secret-key" not in (place / "environ").read_bytes()
        assert os.getsid(process.pid) != os.getsid(0)


@pytest.mark.slow
def test_one_that_does_not_answer_is_killed_at_its_deadline() -> None:
    cell = ConfinedCell(60)
    with running(cell) as process:
        os.kill(process.pid, signal.SIGSTOP)
        process._left = 0.5
        with pytest.raises(PageRefusedError, match="was stopped"):
            process.ask(b"{}")
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    with running(cell) as again:
        assert again.ask(b'{"data": {"n": 1}}') == match_values.YES
        assert again.ask(b'{"data": {"n": 2}}') == match_values.NO
        assert again.ask(b"no JSON") == match_values.NO


def test_the_end_of_the_console_ends_it_at_once() -> None:
    cell = ConfinedCell(60)
    with running(cell) as process:
        os.kill(process.pid, signal.SIGSTOP)
        threading.Timer(0.2, cell.close).start()
        with pytest.raises(PageRefusedError):
            process.ask(b"{}")
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    with pytest.raises(PageRefusedError, match="being stopped"), running(cell):
        pass
