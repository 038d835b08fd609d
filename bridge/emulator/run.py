"""``track-bridge emulator`` as a process: it listens, says what comes, and ends with a summary."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

from bridge.config.keys.scalars import Listen
from bridge.console.reach import is_loopback
from bridge.emulator import lines
from bridge.emulator.fault_words import NamedFault
from bridge.emulator.page import configuration, key_of
from bridge.emulator.seen import RequestBook, SeenRequest
from bridge.emulator.served import EmulatorSurroundings, ServedEmulator
from bridge.errors import Unreachable
from bridge.exits import ExitCode
from bridge.sandbox.emulator.contract import RateLimit
from bridge.sandbox.emulator.imports import ImportBehaviour
from bridge.text import paragraphs
from bridge.text.amounts import per_minute
from bridge.text.listening import cannot_listen
from bridge.text.printable import printable_json, printable_lines

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """Everything that can be said on the command line."""

    listen: Listen
    keys: Sequence[str] | None
    """None: every key is accepted."""
    faults: Sequence[NamedFault] = ()
    latency: float = 0.0
    rate: float | None = 10.0
    """Requests a second; None: as many as come."""
    identify_rate: float | None = 10.0
    retry_after: bool = False
    unknown_users: int | None = None
    company_id_field: str = "id"
    has_imports: bool = True
    remote_faults: bool = False
    seed: int = 0
    keeps: int = 500
    quiet: bool = False
    as_json: bool = False


def emulator(options: EmulatorOptions, voice: Voice) -> ServedEmulator:
    """One with these options, which is not entered yet."""
    around = EmulatorSurroundings(
        listen=options.listen,
        book=voice.book,
        wall=time.time,
        tell=voice.request,
        switched=voice.switched,
        rate="none" if options.rate is None else per_minute(options.rate),
        latency=options.latency,
        seed=options.seed,
        remote_faults=options.remote_faults,
    )
    return ServedEmulator(
        around,
        options.faults,
        keys=options.keys,
        rate=_limit(options.rate, options),
        identify_rate=_limit(options.identify_rate, options),
        unknown_users=options.unknown_users,
        company_id_field=options.company_id_field,
        imports=ImportBehaviour(permitted=options.has_imports),
    )


async def serve(options: EmulatorOptions) -> ExitCode:
    """Until SIGINT or SIGTERM. Raises `Unreachable` where the address cannot be had."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    voice = Voice(RequestBook(options.keeps, time.time()), quiet=options.quiet, as_json=options.as_json)
    api = emulator(options, voice)
    try:
        await api.__aenter__()
    except OSError as error:
        raise Unreachable(taken(options.listen, error)) from error
    try:
        voice.listening(api, options)
        await stop.wait()
    finally:
        await api.__aexit__(None, None, None)
    voice.ended()
    return ExitCode.OK


def taken(listen: Listen, error: OSError) -> str:
    """Why it cannot listen there, and what to do."""
    another = f"choose another: --listen {Listen(listen.host, 0)} takes a free one"
    return f"--listen: {cannot_listen(listen, error, another)}."


def _limit(per_second: float | None, options: EmulatorOptions) -> RateLimit | None:
    if per_second is None:
        return None
    return RateLimit(max(1, round(per_second * _MINUTE)), _MINUTE, options.retry_after)


def banner(endpoint: str, options: EmulatorOptions, wide: int) -> list[str]:
    """What is said at the start, in lines of at most so many characters but for what is copied."""
    here = "" if is_loopback(options.listen.host) else " (other machines reach it, too)"
    variables = "Where it asks for variables, as a proposed one does, in the terminals of the bridge:"
    switched = f"Faults: {_said(options.faults)}. Switch them on the page, or:"
    return [
        f"Emulated Track API and its page: {endpoint}{here}",
        "",
        "In bridge.yaml:",
        *(f"  {line}" for line in configuration(endpoint, options.keys)),
        *wrap(variables, wide, break_long_words=False, break_on_hyphens=False),
        f"  export USERPILOT_ENDPOINT={endpoint}",
        f"  export USERPILOT_API_KEY={key_of(options.keys)}",
        "",
        *wrap(switched, wide, break_long_words=False, break_on_hyphens=False),
        f"  curl -d fault=503:10% {endpoint}/_faults",
        f"  curl -X DELETE {endpoint}/_faults",
        "Ctrl-C ends it.",
        "",
    ]


class Voice:
    """What is printed while it runs."""

    def __init__(self, book: RequestBook, *, quiet: bool, as_json: bool) -> None:
        self.book = book
        self._quiet = quiet
        self._as_json = as_json
        self._is_listening = False

    def listening(self, api: ServedEmulator, options: EmulatorOptions) -> None:
        """Where it is, and what to put in a configuration."""
        self._is_listening = True
        if self._as_json:
            self._document(
                {"type": "listening", "endpoint": api.endpoint, "faults": [each.text for each in options.faults]}
            )
            return
        self._say("\n".join(banner(api.endpoint, options, width())))

    def request(self, request: SeenRequest) -> None:
        """One, with its answer."""
        if self._as_json:
            self._document(lines.for_a_script(request))
        elif not self._quiet:
            self._say(lines.for_a_person(request, width()))

    def switched(self, faults: Sequence[NamedFault]) -> None:
        """Other faults are on."""
        if not self._is_listening:
            return
        if self._as_json:
            self._document({"type": "faults", "faults": [each.text for each in faults]})
        else:
            self._say(f"Faults: {_said(faults)}.")

    def ended(self) -> None:
        """The summary."""
        now = time.time()
        if self._as_json:
            self._document(lines.summary(self.book, now))
        else:
            self._say("\n".join(["", *lines.summary_lines(self.book, now, width())]))

    def _document(self, document: dict[str, Any]) -> None:
        self._write(printable_json(lines.json_line(document)))

    def _say(self, text: str) -> None:
        self._write(printable_lines(text))

    def _write(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def width() -> int:
    """Characters of a line; where nobody watches on a terminal, more."""
    return paragraphs.width(sys.stdout, otherwise=200)


def _said(faults: Sequence[NamedFault]) -> str:
    return "; ".join(f"{each.text} ({each.meaning})" for each in faults) or "none, it answers as documented"
