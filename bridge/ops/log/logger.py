"""Logging: one pipeline for the service's own events and for what libraries log, as JSON or for a terminal.

A line is an event name with fields, not prose; where somebody has to act, the field `message` says it in a sentence.
Every line passes the redactor, and no line can stop or delay the delivery of events.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import re
import threading
import traceback
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

import orjson

from bridge.config.keys.api_key import spellings
from bridge.text import moments
from bridge.text.printable import printable, printable_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Line = dict[str, Any]


MASK = "***"


class Redactor:
    """Cuts secrets out of whatever carries one by accident: an exception's text, a library's message.

    Secrets rotate while the process runs, so values can be added.
    """

    __slots__ = ("_known", "_pattern")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def __repr__(self) -> str:
        return f"Redactor({len(self._known)} spellings)"

    def add(self, secret: str) -> None:
        """Hide this value from now on, also where it was quoted or encoded, see `spellings`; "" is no secret."""
        if not secret:
            return
        self._known |= spellings(secret)
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(spelling) for spelling in longest_first))

    def text(self, text: str) -> str:
        """The text with every secret replaced."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def value(self, value: object) -> object:
        """A value a log line may hold, with every secret in it replaced.

        Mappings and sequences are walked; what is no plain value becomes text first, since it would become text later.
        """
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, bytes | bytearray):
            return self.text(value.decode("utf-8", "backslashreplace"))
        if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str):
            return [self.value(item) for item in value]
        return self.text(_as_text(value))


def _as_text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a foreign object that cannot be shown must not end the process that logs it
        return f"<{type(value).__name__}>"


CAPACITY = 10_000
"""Lines kept for a reader that stalls; further ones are dropped and counted."""


class Output(Protocol):
    """Where lines go, unbuffered: a buffer would keep what a broken pipe refused, and fail again at exit."""

    def write(self, data: bytes, /) -> int:
        """Write at least a part and return how many bytes; OSError where that is impossible."""


class Descriptor:
    """A file descriptor as output, such as 1 for standard output. It is never closed here."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, data: bytes, /) -> int:
        """One system call."""
        return os.write(self._number, data)


class LogWriter:
    """A thread that writes lines in their order; handing one over never blocks, never raises and ends no process.

    The reader of a pipe can stall, the disk can fill, the terminal can go away. Delivery continues; what could
    not be written is counted.
    """

    def __init__(self, output: Output, capacity: int = CAPACITY) -> None:
        self._output = output
        self._lines: queue.Queue[bytes | None] = queue.Queue(capacity)
        self._dropped = 0
        self._failed = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def failures(self) -> int:
        """Lines that are gone. Two counters, each written by one side only, so neither needs a lock."""
        return self._dropped + self._failed

    def write(self, line: bytes, /) -> None:
        """Hand over one line with its line end."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self, timeout: float = 2.0) -> bool:
        """Write what is left, for at most this many seconds; False where the output took no more in that time."""
        try:
            self._lines.put(None, timeout=timeout / 2)
        except queue.Full:
            return False
        self._thread.join(timeout / 2)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write_whole(line)
            except (OSError, ValueError):
                # ValueError: the output was closed under us. Either way the next line may fare better: disks are freed.
                self._failed += 1

    def _write_whole(self, line: bytes) -> None:
        rest = line
        while rest:
            rest = rest[self._output.write(rest) :]


Format = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

LIBRARY_EVENT = "library_log"
_CHATTY_LIBRARIES = frozenset({"httpx", "httpcore", "asyncio"})
"""They log every request or callback at a low level; of them only warnings are wanted, at any setting."""


class EventLogger:
    """Writes an event as one line: its name and fields, when it was and how grave; with `exc_info`, the traceback."""

    def __init__(self, writer: LogWriter, redactor: Redactor, render: Callable[[Line], bytes], least: int) -> None:
        self._writer = writer
        self._redactor = redactor
        self._render = render
        self._least = least
        self.also: Callable[[int, Line], None] | None = None
        """Gets every line that is written, too, on the thread that logs it; it must neither block nor raise."""

    def log(self, level: int, event: str, /, *, exc_info: Any = None, **fields: Any) -> None:
        """One event of this level of the standard library's; below the level that is wanted it is none."""
        if level < self._least:
            return
        now = moments.written(datetime.now(UTC))
        line = {"timestamp": now, "level": logging.getLevelName(level).lower(), "event": event, **fields}
        # Of a library that wants the traceback and handles no exception, the tuple is of three None.
        error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
        if error is not None:
            line["exception"] = "".join(traceback.format_exception(error)).removesuffix("\n")
        shown = {name: self._redactor.value(value) for name, value in line.items()}
        self._writer.write(self._render(shown) + b"\n")
        if self.also is not None:
            self.also(level, shown)

    def debug(self, event: str, /, **fields: Any) -> None:
        """What only somebody who looks for a cause wants to see."""
        self.log(logging.DEBUG, event, **fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """What goes as it should."""
        self.log(logging.INFO, event, **fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """What somebody may have to look at."""
        self.log(logging.WARNING, event, **fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """What somebody has to look at."""
        self.log(logging.ERROR, event, **fields)

    def critical(self, event: str, /, **fields: Any) -> None:
        """What ends the process."""
        self.log(logging.CRITICAL, event, **fields)


@dataclass(frozen=True, slots=True)
class Logging:
    """The logging of one process, from `set_up` until `close`."""

    logger: EventLogger
    redactor: Redactor
    """Secrets that become known later (a rotated key) are added here."""
    writer: LogWriter
    release: Callable[[], None]
    """Gives the standard library's logging back as it was found."""

    @property
    def write_failures(self) -> int:
        """Lines that could not be written."""
        return self.writer.failures

    def close(self) -> None:
        """Write what is left, for at most two seconds. To be called before any exit, also a forced one."""
        self.release()
        self.writer.close(2.0)


def set_up(
    *,
    level: Level,
    log_format: Format = "auto",
    secrets: Iterable[str] = (),
    terminal: bool = False,
    output: Output | None = None,
) -> Logging:
    """Start logging, to standard output unless told otherwise, and take the standard library's root logger over.

    `terminal` says whether a person watches the output, which is what ``auto`` asks.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    writer = LogWriter(output if output is not None else Descriptor(1))
    redactor = Redactor(secrets)
    console = log_format == "console" or (log_format == "auto" and terminal)
    logger = EventLogger(writer, redactor, _console(colors=terminal) if console else _json, number)
    release = _take_over(LibraryHandler(logger), logging.INFO if number == logging.DEBUG else logging.WARNING)
    return Logging(logger, redactor, writer, release)


class LibraryHandler(logging.Handler):
    """Brings what libraries log, librdkafka among them, into the pipeline."""

    def __init__(self, logger: EventLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record; one whose text cannot be formatted is logged as it stands."""
        if record.levelno < logging.WARNING and record.name.partition(".")[0] in _CHATTY_LIBRARIES:
            return
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg} {record.args}"
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        self._logger.log(level, LIBRARY_EVENT, logger=record.name, message=message, exc_info=record.exc_info)


def _take_over(handler: logging.Handler, level: int) -> Callable[[], None]:
    root = logging.getLogger()
    handlers, before = list(root.handlers), root.level
    root.handlers[:] = [handler]
    root.setLevel(level)

    def release() -> None:
        root.handlers[:] = handlers
        root.setLevel(before)

    return release


def _json(line: Line) -> bytes:
    """One JSON object; text that has no UTF-8 is escaped instead of refused."""
    try:
        return printable_bytes(orjson.dumps(line))
    except TypeError:
        return json.dumps(line).encode("ascii")


def _console(*, colors: bool) -> Callable[[Line], bytes]:
    """For a person who watches; only then is the library loaded that draws it, and those that it brings along."""
    from structlog.dev import ConsoleRenderer, plain_traceback  # noqa: PLC0415 - see above

    render = ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=24, exception_formatter=plain_traceback)

    def encode(line: Line) -> bytes:
        # What is not there is told to scripts, which count on the key, and only takes a person's room.
        text = {name: _printable(name, value) for name, value in line.items() if value is not None}
        return str(render(None, "", text)).encode("utf-8", "backslashreplace")

    return encode


def _printable(name: str, value: Any) -> Any:
    """An API's error text or an event type must not move the cursor or begin a line of its own."""
    if not isinstance(value, str):
        return value
    # Only a traceback has lines of its own.
    return "\n".join(map(printable, value.split("\n"))) if name == "exception" else printable(value)
