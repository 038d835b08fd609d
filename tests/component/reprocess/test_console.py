"""The console's dead letters against a broker and an API: what it replays is sent once, what it settles stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from logging import getLogger
from pathlib import Path

import httpx
import pytest

from bridge.config import load
from bridge.config.keys import scalars
from bridge.console.app import Console
from bridge.console.letters.desk import ConsoleLetters
from bridge.console.parts import ConsoleParts
from bridge.console.reach import ConsoleReach
from bridge.console.session import Sessions
from bridge.console.token import TokenFile
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetView
from bridge.inputs import records
from bridge.inputs.records import Form
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import LetterReason
from bridge.sandbox.emulator import Emulator
from bridge.sending.job import SendJobs, SendOrder
from bridge.sending.preview import file_lines
from tests.component.reprocess.conftest import Dlq
from tests.support.console import views
from tests.support.console.page_faults import text_of
from tests.support.console.running import LOCAL, TOKEN, hidden, logging_to
from tests.support.log_output import LogOutput
from tests.support.reprocess.letters import letter, value_of
from tests.support.waiting import patience

pytestmark = pytest.mark.slow(reason="replays from pages, in a group of its own", seconds=2)


async def view() -> FleetView:
    """Without replicas: those of a test work by another mapping, and then nothing is replayed."""
    return replace(views.well(), replicas=())


async def test_a_replay_and_a_discard_of_the_console_are_those_of_the_commands(
    configure: Callable[..., Path], put: Callable[..., None], api: Emulator, dlq: Dlq, tmp_path: Path
) -> None:
    put(
        *(letter(number, reason=LetterReason.UNAUTHORIZED, status=401, user=f"u-{number}") for number in range(5)),
        letter(7, reason=LetterReason.EXPIRED, status=None),
    )
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    loaded = load.read(configure(), {})
    assert loaded.config is not None
    mapping = compile_mapping(loaded.config.mapping)
    assert isinstance(mapping, CompiledMapping)
    output = LogOutput()
    log = logging_to(output)
    parts = ConsoleParts(
        loaded.config,
        FleetSource(view),
        Sessions(TokenFile(file)),
        ConsoleReach(scalars.listen("127.0.0.1:9465"), has_token=True, behind_proxy=False, names=frozenset()),
        log.logger,
        desk=ConsoleLetters(loaded.config, mapping, getLogger("test.console")),
    )
    console = Console(parts)
    transport = httpx.ASGITransport(console.application)
    async with httpx.AsyncClient(transport=transport, base_url=LOCAL, headers={"origin": LOCAL}) as browser:

        async def page(path: str) -> str:
            for _ in range(100):
                answer = await browser.get(path)
                if "refresh" not in answer.headers:
                    return answer.text
                await asyncio.sleep(0.05)
            raise AssertionError(path)

        async def form(path: str, **given: str) -> httpx.Response:
            csrf = hidden((await browser.get("/letters/job")).text, "csrf")
            return await browser.post(path, data={"csrf": csrf, **given})

        login = (await browser.get("/login")).text
        await browser.post("/login", data={"csrf": hidden(login, "csrf"), "token": TOKEN, "name": "ann"})
        assert "6 dead letters" in text_of(await page("/letters"))
        shown = await form("/letters/preview", act="replay", reason="unauthorized")
        assert "Replay 5 dead letters?" in text_of(shown.text)
        begun = await form(
            "/letters/replay",
            reason="unauthorized",
            count="5",
            which=hidden(shown.text, "which"),
            because="the key is back",
        )
        assert begun.headers["location"] == "/letters/job"
        for _ in range(600):
            job = parts.replays.last
            assert job is not None
            if job.is_over:
                break
            await asyncio.sleep(0.05)
        said = text_of(await page("/letters/job"))
        assert "Over: 5 of 5" in said
        assert "replayed: the API accepted them" in said
        assert len(api.ledger.accepted) == 5
        assert "1 dead letter" in text_of(await page("/letters"))
        shown = await form("/letters/preview", act="discard", reason="expired")
        gone = await form(
            "/letters/discard",
            reason="expired",
            count="1",
            which=hidden(shown.text, "which"),
            because="too old to matter",
        )
        assert gone.status_code == 303
        assert "No dead letter matches" in await page("/letters")
    await parts.replays.close()
    console.hub.close()
    output.close(log)
    told = [line for line in output.lines if line["event"] in {"console_replay_began", "console_discarded"}]
    assert [(each["by"], each["because"]) for each in told] == [
        ("ann", "the key is back"),
        ("ann", "too old to matter"),
    ]
    ended = [each["ended"] for each in (await dlq("list", "--all", "--json")).documents]
    assert min((each["how"], each["reason"] or "") for each in ended) == ("discarded", "too old to matter")
    assert {each["by"] for each in ended if each["how"] == "discarded"} == {"ann"}
    assert len([each for each in ended if each["how"] == "replayed"]) == 5


async def test_a_file_sent_from_the_console_arrives_once_and_in_order(
    configure: Callable[..., Path], put: Callable[..., None], api: Emulator
) -> None:
    put(letter(0))  # makes the topic, by which the budget is shared
    loaded = load.read(configure(), {})
    assert loaded.config is not None
    mapping = compile_mapping(loaded.config.mapping)
    assert isinstance(mapping, CompiledMapping)
    values = [value_of(f"u-{number % 3}", number) for number in range(30)]
    found = records.uploaded("lost.ndjson", b"\n".join(values), Form.VALUES, "orders")
    ended = asyncio.Event()
    jobs = SendJobs(loaded.config, mapping, getLogger("test.console"))
    order = SendOrder("lost.ndjson", file_lines(found, "lost.ndjson", None), 600.0, "ann", "lost")
    job = jobs.begin(order, lambda _job: ended.set())
    async with patience("the job ends", within=60, explain=lambda: str(job)):
        await ended.wait()
    assert (job.problem, job.done, job.left) == ("", 30, 0)
    bodies = [json.loads(each.body) for each in api.ledger.accepted]
    accepted = [(each["user_id"], each["metadata"]["n"]) for each in bodies]
    assert len(accepted) == len(set(accepted)) == 30
    for user in {user for user, _ in accepted}:
        numbers = [int(number) for who, number in accepted if who == user]
        assert numbers == sorted(numbers)
