"""The console itself, over a fleet that a test makes up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from logging import getLogger
from pathlib import Path
from typing import Any, cast

from starlette.testclient import TestClient

from bridge.config import load
from bridge.config.keys import scalars
from bridge.config.sections import Config
from bridge.console.app import Console
from bridge.console.confined.cell import ConfinedCell
from bridge.console.finding import Find
from bridge.console.history import FleetHistory
from bridge.console.letters.desk import ConsoleLetters
from bridge.console.measures import Measures
from bridge.console.parts import ConsoleParts
from bridge.console.reach import ConsoleReach
from bridge.console.sending.desk import ConsoleFiles
from bridge.console.session import Sessions
from bridge.console.token import TokenFile
from bridge.fleet.acts import FleetControl
from bridge.fleet.acts.offset_setting import OffsetBooks, OffsetSetting
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetView
from bridge.kafka.letters.letter_log import LetterLog
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.model import LetterReason, Route
from bridge.ops.admin.status_client import StatusError
from bridge.ops.log.logger import EventLogger, set_up
from bridge.sending.job import SendJobs, SendsLines
from tests.support.console import views
from tests.support.log_output import LogOutput
from tests.support.reprocess.letters import letter
from tests.support.reprocess.log_in_memory import LogInMemory

TOKEN = "a-token-nobody-can-guess"
LOCAL = "http://127.0.0.1:9465"
FILE = """
kafka: {bootstrap_servers: "kafka-1:9092", group_id: userpilot-bridge, topics: [shop.orders, shop.users],
  properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: me, sasl.password: hunter2-secret}}
track: {endpoint: "https://analytex-eu.userpilot.io", api_key: NX-the-secret-key}
dead_letter: {topic: bridge.dlq, redact: [data.email]}
mapping:
  user_id: data.user
  events:
    order.completed: {event_name: Order Completed, metadata: {amount: data.amount}}
    audit: drop
"""


@dataclass
class Clock:
    """Seconds, which pass when a test says so."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def some_letters() -> LogInMemory:
    """Two causes, two users, and one with what no page may show as it is."""
    log = LogInMemory()
    route = Route("order.completed", "0123456789ab", "Order Completed")
    harmful = b'{"type": "order.completed", "data": {"user": "<script>alert(3)</script>", "email": "a@b.example"}}'
    group = "userpilot-bridge"
    log.write(
        letter(0, group=group, route=route, request=b'{"user_id": "u-1", "metadata": {"amount": "1"}}'),
        letter(1, group=group, user="u-2", reason=LetterReason.UNAUTHORIZED, status=401),
        letter(2, group=group, value=harmful, message="<script>alert(4)</script> \x1b[31m is taken"),
        letter(3, group="other"),
    )
    return log


@dataclass
class ConsoleSetting:
    """What a console is built from."""

    config: Config
    token: Path | None = None
    view: FleetView = field(default_factory=views.well)
    clock: Clock = field(default_factory=Clock)
    looks: int = 0
    """At the fleet."""
    listen: str = "127.0.0.1:9465"
    behind_proxy: bool = False
    names: frozenset[str] = frozenset()
    find: Find | None = None
    control: FleetControl | None = None
    pages_of_metrics: dict[str, str] = field(default_factory=dict)
    """By the replica's address."""
    letters: LogInMemory = field(default_factory=some_letters)
    sends: SendsLines | None = None
    """What sends the lines of a file; None: as the service does, which needs a broker."""
    books: OffsetBooks | None = None
    """Of committed offsets; they can be set where `control` is there, too."""

    async def look(self) -> FleetView:
        """One more."""
        self.looks += 1
        return self.view

    def metrics(self, address: str, _patience: float) -> str:
        """Of the replica at this address."""
        if address not in self.pages_of_metrics:
            raise StatusError(f"No bridge answers at {address}.")
        return self.pages_of_metrics[address]

    def parts(self, log: EventLogger) -> ConsoleParts:
        """All of them."""
        reach = ConsoleReach(scalars.listen(self.listen), self.token is not None, self.behind_proxy, self.names)
        token = None if self.token is None else TokenFile(self.token, self.clock)
        source = FleetSource(self.look, self.clock)
        mapping = compile_mapping(self.config.mapping)
        assert isinstance(mapping, CompiledMapping)
        cell = ConfinedCell()
        desk = ConsoleLetters(
            *(self.config, mapping, getLogger("test.console")),
            lambda _config, _logger: cast("LetterLog", self.letters),
            cell=cell,
        )
        sessions, measures = Sessions(token, self.clock), Measures(self.metrics)
        offsets = None
        if self.control is not None and self.books is not None:
            offsets = OffsetSetting(self.config.kafka.group_id, self.control, self.books)
        jobs = SendJobs(
            *(self.config, mapping, getLogger("test.console")),
            *(() if self.sends is None else (self.sends, lambda _config, _logger: {0: 0})),
        )
        return ConsoleParts(
            *(self.config, source, sessions, reach, log, self.control, FleetHistory(), measures),
            find=self.find,
            desk=desk,
            files=ConsoleFiles(self.config, mapping, jobs, self.clock),
            offsets=offsets,
        )

    def with_values(self) -> None:
        """Values of records may be shown."""
        told = self.config.console.model_copy(update={"show_values": True})
        self.config = self.config.model_copy(update={"console": told})


def configuration(folder: Path) -> Config:
    """One with secrets."""
    path = folder / "bridge.yaml"
    path.write_text(FILE)
    loaded = load.read(path, {})
    assert loaded.config is not None, loaded.problems
    return loaded.config


class Visitor:
    """A browser without scripts: it keeps cookies, and says where its forms come from."""

    def __init__(self, client: TestClient, origin: str = LOCAL) -> None:
        self.client = client
        self.origin = origin

    def get(self, path: str, **headers: str) -> Any:
        """A page, without following."""
        return self.client.get(path, headers=headers, follow_redirects=False)

    def post(self, path: str, given: dict[str, str], **headers: str) -> Any:
        """A form, without following."""
        told = {"origin": self.origin, **headers}
        return self.client.post(path, data=given, headers=told, follow_redirects=False)

    def upload(self, path: str, given: dict[str, str], name: str, content: bytes, **headers: str) -> Any:
        """A form with a file, without following."""
        told = {"origin": self.origin, **headers}
        return self.client.post(path, data=given, files={"file": (name, content)}, headers=told, follow_redirects=False)

    def log_in(self, token: str = TOKEN, **given: str) -> Any:
        """With the form of the page."""
        page = self.get("/login")
        return self.post("/login", {"csrf": hidden(page.text, "csrf"), "token": token, **given})

    def csrf(self) -> str:
        """The token of the session, as a page shows it."""
        return hidden(self.get("/settings").text, "csrf")


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    return page.partition(f'type="hidden" name="{name}" value="')[2].partition('"')[0]


Opened = Callable[..., AbstractContextManager[Visitor]]


def logging_to(output: LogOutput) -> Any:
    """A logger as the console has it."""
    log = set_up(level="info", log_format="json", output=output)
    output.writer = log.writer
    return log


def console_of(setting: ConsoleSetting, log: EventLogger) -> Console:
    """The application."""
    return Console(setting.parts(log))


def changed(setting: ConsoleSetting, **fields: Any) -> ConsoleSetting:
    """Another one."""
    return replace(setting, **fields)
