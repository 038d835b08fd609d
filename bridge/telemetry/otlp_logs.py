"""Log lines as OTLP: the event's name, its fields, how grave it is, and the trace it belongs to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from bridge.ops.log.events import NOT_EXPORTED

_SEVERITIES: Final = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
_NOT_ATTRIBUTES: Final = frozenset({"timestamp", "level", "event", "trace_id", "span_id", "exception"})
_NOWHERE: Final = Context()


class LogLines:
    """Takes the lines that the log shows, after everything secret was cut out of them."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def __call__(self, level: int, line: Mapping[str, Any]) -> None:
        """One line, on whatever thread it was logged; not the one that says that nothing can be exported."""
        if line["event"] == NOT_EXPORTED:
            return
        attributes = {
            name: _plain(value) for name, value in line.items() if name not in _NOT_ATTRIBUTES and value is not None
        }
        if "exception" in line:
            attributes["exception.stacktrace"] = line["exception"]
        event = str(line["event"])
        self._logger.emit(
            LogRecord(
                context=_context(line),
                severity_number=_SEVERITIES.get(level, SeverityNumber.UNSPECIFIED),
                severity_text=str(line["level"]).upper(),
                body=line.get("message") or line.get("detail") or event,
                attributes=attributes,
                event_name=event,
            )
        )


def _plain(value: object) -> Any:
    """Attributes are plain values, or lists of one kind of them."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value)


def _context(line: Mapping[str, Any]) -> Context:
    trace, span = line.get("trace_id"), line.get("span_id")
    if not isinstance(trace, str) or not isinstance(span, str):
        return _NOWHERE
    context = SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(context), _NOWHERE)
