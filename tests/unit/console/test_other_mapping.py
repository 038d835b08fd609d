"""Where replicas took over another mapping, what the console's makes is not taken for what they send."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace

import pytest

from bridge.config.keys import scalars
from bridge.console.playground.other_mapping import notice
from bridge.console.serving import listening, serve
from bridge.sending.other_mapping import number_of
from tests.support.console import views
from tests.support.console.page_faults import faults, text_of
from tests.support.console.running import ConsoleSetting, Opened, console_of, logging_to
from tests.support.log_output import LogOutput

SAID = "works by another mapping (012345678) than this console"


def working_by(setting: ConsoleSetting, *numbers: str) -> None:
    """The replicas work by mappings of these numbers."""
    replicas = setting.view.replicas[:1]
    told = tuple(
        replace(each, document={**views.document(), "configuration": {"hash": "x", "mapping": number}})
        for each in replicas
        for number in numbers
    )
    setting.view = replace(setting.view, replicas=told)


@pytest.mark.parametrize("path", ["/letters", "/letter?id=0:0", "/find", "/mapping"])
def test_pages_that_show_what_the_mapping_makes_say_that_a_replica_has_another(
    setting: ConsoleSetting, opened: Opened, path: str
) -> None:
    working_by(setting, "012345678")
    with opened(setting) as visitor:
        page = visitor.get(path).text
        assert SAID in text_of(page)
        assert faults(page) == []
    working_by(setting, number_of(setting.config))
    with opened(setting) as visitor:
        assert "another mapping" not in text_of(visitor.get(path).text)


def test_nothing_is_replayed_by_a_mapping_that_a_replica_does_not_work_by(
    with_token: ConsoleSetting, opened: Opened
) -> None:
    given = {"reason": "unauthorized", "rate": "20%", "act": "replay"}
    working_by(with_token, number_of(with_token.config), "012345678")
    with opened(with_token) as visitor:
        visitor.log_in()
        shown = visitor.post("/letters/preview", {**given, "csrf": visitor.csrf()})
        assert SAID in text_of(shown.text)
        assert "Replay 1 dead letter?" in text_of(shown.text)
        assert 'action="/letters/replay"' not in shown.text
        begun = {**given, "csrf": visitor.csrf(), "count": "1", "because": "the key is back"}
        refused = visitor.post("/letters/replay", begun)
        assert refused.status_code == 409
        assert SAID in text_of(refused.text)
        assert "A replay runs" not in visitor.get("/letters").text
    working_by(with_token, number_of(with_token.config))
    with opened(with_token) as visitor:
        visitor.log_in()
        shown = visitor.post("/letters/preview", {**given, "csrf": visitor.csrf()})
        assert 'action="/letters/replay"' in shown.text


def test_replicas_that_do_not_say_their_mapping_are_not_said_to_have_another(setting: ConsoleSetting) -> None:
    view = setting.view
    silent = tuple(replace(each, document=None, problem="No bridge answers.") for each in view.replicas)
    assert notice(replace(view, replicas=silent), setting.config) == ""


def test_several_are_one_sentence(setting: ConsoleSetting) -> None:
    working_by(setting, "012345678", "012345678")
    assert "2 replicas, 10.0.0.1:9464 among them, work by another mapping" in notice(setting.view, setting.config)


def test_sighup_says_that_a_restart_is_needed_and_ends_nothing(setting: ConsoleSetting) -> None:
    output = LogOutput()
    log = logging_to(output)

    async def steps() -> None:
        with listening(scalars.listen("127.0.0.1:0")) as (server_socket, address):
            serving = asyncio.ensure_future(serve(console_of(setting, log.logger), server_socket, log.logger))
            host, _, port = address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            for number in range(2):
                writer.write(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
                await reader.readuntil(b"ok\n")
                if not number:
                    signal.raise_signal(signal.SIGHUP)
            writer.close()
            signal.raise_signal(signal.SIGTERM)
            await serving

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # so that a console without a handler fails, and ends no test
    try:
        asyncio.run(steps())
    finally:
        signal.signal(signal.SIGHUP, before)
        output.close(log)
    (said,) = [line for line in output.lines if line["event"] == "console_needs_restart"]
    assert "restart it" in said["message"]
