"""Logging: one pipeline for the service's own events and for what libraries log, as JSON or for a terminal.

A line is an event name with fields, not prose; where somebody has to act, the field `message` says it in a sentence.
Every line passes the redactor, and no line can stop or delay the delivery of events.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

import orjson
import structlog

from bridge.ops.log.log_writer import Descriptor, LogWriter
from bridge.ops.log.redaction import Redactor
from bridge.text.printable import printable, printable_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

    from bridge.ops.log.log_writer import Output

Format = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

LIBRARY_EVENT = "library_log"
_CHATTY_LIBRARIES = frozenset({"httpx", "httpcore", "asyncio"})
"""They log every request or callback at a low level; of them only warnings are wanted, at any setting."""


@dataclass(frozen=True, slots=True)
class Logging:
    """The logging of one process, from `set_up` until `close`."""

    logger: FilteringBoundLogger
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
    number = structlog.processors.NAME_TO_LEVEL[level]
    writer = LogWriter(output if output is not None else Descriptor(1))
    redactor = Redactor(secrets)
    console = log_format == "console" or (log_format == "auto" and terminal)
    logger: FilteringBoundLogger = structlog.wrap_logger(
        # The writer is all of a file that a BytesLogger uses: write and flush.
        structlog.BytesLogger(cast("BinaryIO", writer)),
        processors=pipeline(redactor, console=console, colors=terminal),
        wrapper_class=structlog.make_filtering_bound_logger(number),
    )
    release = _take_over(LibraryHandler(logger), logging.INFO if number == logging.DEBUG else logging.WARNING)
    return Logging(logger, redactor, writer, release)


def pipeline(redactor: Redactor, *, console: bool, colors: bool) -> list[Processor]:
    """What an event passes on its way to a line of bytes."""

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: redactor.value(value) for name, value in event.items()}

    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
        *(_console(colors=colors) if console else [_json]),
    ]


class LibraryHandler(logging.Handler):
    """Brings what libraries log, librdkafka among them, into the pipeline."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
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


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    """One JSON object, when, how grave and what first; text that has no UTF-8 is escaped instead of refused."""
    ordered = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    ordered.update(event)
    try:
        return printable_bytes(orjson.dumps(ordered))
    except TypeError:
        return json.dumps(ordered).encode("ascii")


def _console(*, colors: bool) -> list[Processor]:
    render = structlog.dev.ConsoleRenderer(
        colors=colors, sort_keys=False, pad_event_to=24, exception_formatter=structlog.dev.plain_traceback
    )

    def encode(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        return str(render(logger, method, event)).encode("utf-8", "backslashreplace")

    return [_printable, encode]


def _printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An API's error text or an event type must not move the cursor or begin a line of its own."""
    for name, value in event.items():
        if isinstance(value, str):
            # Only a traceback has lines of its own.
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n".join(printable(line) for line in lines)
    return event
