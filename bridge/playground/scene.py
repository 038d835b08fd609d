"""The playground's run: everything is started, looked after, and ended; nothing is left behind."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bridge import commands, terminal
from bridge.commands import Invocation
from bridge.config import environment
from bridge.config.keys.scalars import Listen
from bridge.config.sections import Config
from bridge.emulator.fault_words import NamedFault
from bridge.emulator.seen import RequestBook, SeenRequest
from bridge.emulator.served import EmulatorSurroundings
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.playground import own, places, posted, things, voice
from bridge.playground.api import PlaygroundApi
from bridge.playground.children import Household
from bridge.playground.folder import Folder
from bridge.playground.hearing import Ear
from bridge.playground.own_file import OwnFile
from bridge.playground.places import KEY, PlaygroundPlaces
from bridge.playground.things import Announced
from bridge.playground.voice import say, tell
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.child_processes import ChildProcesses
from bridge.sandbox.emulator.contract import RateLimit
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.sandbox.feed import Feed, produce
from bridge.sandbox.sample import REJECTED_NAME, TOPICS, SampleRecord, endless
from bridge.text.amounts import plural, span

PORTS: Final = {"api": 8080, "bridge": 9464, "console": 9465}
"""Taken where they are free."""
AT_ONCE: Final = 30
"""Events of the shop that are there at the start."""
TROUBLE: Final = (70, 90, 150)
"""And these: without a user, with a name that the API refuses, and no JSON. Each becomes a dead letter at once."""
LETTERS: Final = "playground.dlq"
REJECTION: Final = '{"errors":[{"error_code":"invalid_event","message":"this event name is not known"}]}'
_LOOK: Final = 0.25
_BUDGET: Final = 600


@dataclass(frozen=True, slots=True)
class PlaygroundOptions:
    """What can be said on the command line."""

    folder: Path
    config: Path | None = None
    """Somebody's own; None: the shop's."""
    topic: str | None = None
    samples: Sequence[str] = ()
    rate: float = 5.0
    """Events of the shop in a second."""
    host: str = "127.0.0.1"
    faults: Sequence[NamedFault] = ()


@dataclass(frozen=True, slots=True)
class PlaygroundStage:
    """What is put into Kafka and which topics there are."""

    topics: Mapping[str, int]
    records: Sequence[SampleRecord]
    feed: Iterator[SampleRecord] | None
    config: Config | None

    @property
    def sources(self) -> Sequence[str]:
        """Topics that the bridge reads."""
        letters = LETTERS if self.config is None else self.config.dead_letter.topic
        return [name for name in self.topics if name not in (letters, f"{letters}.resolutions")]


def stage(options: PlaygroundOptions) -> PlaygroundStage:
    """For these options. Raises `Misuse`."""
    if options.config is None:
        if options.samples or options.topic:
            raise Misuse(
                "--samples and --topic need --config, a configuration whose mapping reads these records; without it the"
                " playground has a shop of its own."
            )
        shop = endless()
        most = max(TOPICS.values())
        topics = {**TOPICS, LETTERS: most, f"{LETTERS}.resolutions": most}
        first = tuple(islice(shop, max(TROUBLE) + 1))
        # No more than the budget lets through within seconds: a newcomer's own record must not wait behind it.
        return PlaygroundStage(topics, (*first[:AT_ONCE], *(first[number] for number in TROUBLE)), shop, None)
    config = own.configuration(options.config).config
    records = own.samples(options.samples, options.topic, config)
    return PlaygroundStage(own.topics(config, options.topic, records), records, None, config)


async def play(options: PlaygroundOptions) -> ExitCode:
    """Until SIGINT, SIGTERM, or SIGHUP where nothing has that ignored."""
    began = time.monotonic()
    stop = asyncio.Event()
    for number in terminal.ends():
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    staged = stage(options)
    book = RequestBook(500, time.time())
    say("Starting Kafka, the Track API, the bridge and its console …")
    folder = Folder(options.folder)
    with folder, EmbeddedKafka(staged.topics) as kafka, ChildProcesses(_environment()) as processes:
        async with _api(options, staged, book, kafka.bootstrap) as api:
            where = _places(options, kafka.bootstrap, api, folder)
            _write(options, staged, folder, where)
            processes.remove_if_we_die(folder.left_behind())
            await asyncio.to_thread(produce, kafka.bootstrap, staged.records)
            with _feeding(staged, options, kafka.bootstrap):
                await _run(options, staged, folder, where, processes, book, stop, began)
    kept = f"{folder.configuration} has your changes and stays" if folder.is_edited else "nothing is left behind"
    events = plural(book.calls["track"], "event")
    say(f"Ended after {span(time.monotonic() - began)}: {events} accepted; {kept}.")
    return ExitCode.OK


async def _run(
    options: PlaygroundOptions,
    staged: PlaygroundStage,
    folder: Folder,
    where: PlaygroundPlaces,
    processes: ChildProcesses,
    book: RequestBook,
    stop: asyncio.Event,
    began: float,
) -> None:
    commands.invoked_as(Invocation(commands.invocation().program, str(folder.configuration)))
    household = Household(processes, tell)
    has_console = has_console_extra()
    household.add("bridge", "run", "-c", str(folder.configuration), log=folder.log("bridge"))
    if has_console:
        household.add("console", "console", "-c", str(folder.configuration), log=folder.log("console"))
    ear = Ear(folder.log("bridge"), options.config)
    edited = OwnFile(options.config, lambda config: _copy(config, options.config, folder, where), tell)
    is_announced = False
    try:
        while not stop.is_set():
            if not is_announced and (book.seen or (time.monotonic() - began > 15 and _answers(where.bridge))):
                is_announced = True
                about = announced(options, staged, folder, where)
                took = time.monotonic() - began
                say(things.announcement(about, has_console=has_console, seconds=took, room=voice.room()))
            household.look()
            # Six partitions that are released are said once.
            for sentence in dict.fromkeys(ear.new() if is_announced else ()):
                tell(sentence)
            if edited.look():
                processes.remove_if_we_die(folder.left_behind())
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK)
    finally:
        say("\nEnding it …")
        await household.end()


def announced(
    options: PlaygroundOptions, staged: PlaygroundStage, folder: Folder, where: PlaygroundPlaces
) -> Announced:
    """What is said at the start; a record that is too long for a command is put into the folder."""
    record = None if staged.config is None else own.to_post(staged.records, staged.config)
    about = Announced(where, folder, options.config, staged.sources, staged.records, record, options.rate)
    if record is not None and things.example(posted.written(record)) is None:
        folder.record.write_bytes(posted.written(record))
    return about


def has_console_extra() -> bool:
    """Whether `track-bridge[console]` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("jinja2", "starlette", "uvicorn"))


# --- parts ---------------------------------------------------------------------------------------------


def _api(options: PlaygroundOptions, staged: PlaygroundStage, book: RequestBook, bootstrap: str) -> PlaygroundApi:
    def hear(_request: SeenRequest) -> None:
        """Its page shows them."""

    def switched(faults: Sequence[NamedFault]) -> None:
        tell(f"Faults: {'; '.join(each.text for each in faults) or 'none'}.") if book.seen else None

    refused = Fault(kind=FaultKind.STATUS, status=400, body=REJECTION, event_name=REJECTED_NAME)
    return PlaygroundApi(
        EmulatorSurroundings(
            listen=Listen(options.host, free_port(options.host, PORTS["api"])),
            book=book,
            wall=time.time,
            tell=hear,
            switched=switched,
            rate=f"{_BUDGET}/min",
            always=() if staged.config else (refused,),
            remote_faults=options.host != "127.0.0.1",
        ),
        options.faults,
        bootstrap=bootstrap,
        topics=staged.sources,
        keys=[KEY],
        rate=RateLimit(_BUDGET),
        identify_rate=RateLimit(_BUDGET),
    )


def _places(options: PlaygroundOptions, bootstrap: str, api: PlaygroundApi, folder: Folder) -> PlaygroundPlaces:
    host = options.host
    return PlaygroundPlaces(
        kafka=bootstrap,
        api=f"http://127.0.0.1:{api.port}",
        bridge=str(Listen(host, free_port(host, PORTS["bridge"]))),
        console=str(Listen(host, free_port(host, PORTS["console"]))),
        token=folder.token.absolute(),
        key=folder.key.absolute(),
        control=folder.control,
    )


def free_port(host: str, wanted: int) -> int:
    """The one that is wanted, or another where something uses it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in (wanted, 0):
        with socket.socket(family, socket.SOCK_STREAM) as tried, suppress(OSError):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, port))
            return int(tried.getsockname()[1])
    raise Misuse(f"--host: {host} is no address of this machine; give one, or leave it out for 127.0.0.1.")


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), 0.2):
        return True
    return False


def _write(options: PlaygroundOptions, staged: PlaygroundStage, folder: Folder, where: PlaygroundPlaces) -> None:
    if staged.config is None:
        folder.write_shop(where)
    elif options.config is not None and options.config.resolve() == folder.configuration.resolve():
        raise Misuse(
            f"--config: {options.config} is where the playground writes its own; name another --folder, or leave"
            " --config out to continue with it."
        )
    else:
        _copy(staged.config, options.config, folder, where)


def _copy(config: Config, made_from: Path | None, folder: Folder, where: PlaygroundPlaces) -> None:
    """Somebody's own, as the playground's processes read it."""
    name = None if made_from is None else os.path.relpath(made_from, folder.path)
    folder.write(places.derived(config, where, name))


@contextmanager
def _feeding(staged: PlaygroundStage, options: PlaygroundOptions, bootstrap: str) -> Iterator[None]:
    if staged.feed is None or options.rate <= 0:
        yield
        return
    with Feed({"bootstrap.servers": bootstrap}, staged.feed, options.rate, may_go=lambda: True):
        yield


def _environment() -> dict[str, str]:
    """Of the processes: what this user has set for other bridges and for proxies is not for these."""
    return {
        name: value
        for name, value in environment.variables().items()
        if not name.startswith(("BRIDGE_", "OTEL_")) and not name.lower().endswith("_proxy")
    }
