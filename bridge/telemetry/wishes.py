"""What the standard OTEL_* variables ask for, as far as this program decides on it.

The SDK reads the rest by itself: where the collector is, headers, certificates, time limits, batches, the resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

SIGNALS: Final = ("traces", "metrics", "logs")
_PROTOCOL: Final = "http/protobuf"
_SAMPLERS: Final = ("always_on", "always_off", "traceidratio")
_DEFAULT_SAMPLER: Final = "parentbased_always_on"
_INTERVAL: Final = 60.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which records are traced: a share of the trace ids, or what the producer decided."""

    share: float = 1.0
    """Of the traces that begin here; with `follows_parent` false, of all."""
    follows_parent: bool = True
    """A record that comes with a trace is recorded where its producer's span is."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for."""

    signals: frozenset[str]
    """Of `SIGNALS`. Empty: nothing is exported."""
    sampling: Sampling = Sampling()
    reads_traceparent: bool = True
    metrics_every: float = _INTERVAL
    """Seconds."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no log line may show: the values of the headers that exporters send, which carry keys."""
    problems: tuple[str, ...] = ()
    """Sentences: what is asked for and not done, or cannot be read."""


def wished(environ: Mapping[str, str]) -> Wishes | None:
    """None: nothing is asked for, or OTEL_SDK_DISABLED says so. An empty variable is one that is not set.

    A signal is exported where its endpoint or that of all is named, or where its exporter is set to otlp; not where
    its exporter is set to none.
    """
    given = {name: value.strip() for name, value in environ.items() if name.startswith("OTEL_") and value.strip()}
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    problems: list[str] = []
    signals = frozenset(signal for signal in SIGNALS if _is_wanted(signal, given, problems))
    if not signals and not problems:
        return None
    return Wishes(
        signals,
        _sampling(given, problems),
        "tracecontext" in _listed(given.get("OTEL_PROPAGATORS", "tracecontext,baggage")),
        _interval(given, problems),
        tuple(_secrets(given)),
        tuple(problems),
    )


def _is_wanted(signal: str, given: Mapping[str, str], problems: list[str]) -> bool:
    of_signal, of_all = f"OTEL_EXPORTER_OTLP_{signal.upper()}_", "OTEL_EXPORTER_OTLP_"
    chosen = f"OTEL_{signal.upper()}_EXPORTER"
    exporters = _listed(given.get(chosen, ""))
    if not exporters:
        if f"{of_signal}ENDPOINT" not in given and f"{of_all}ENDPOINT" not in given:
            return False
        exporters = ["otlp"]
    problems += [
        f"{chosen}: {other} is no exporter of this program; set it to otlp or none"
        for other in exporters
        if other not in {"otlp", "none"}
    ]
    if "otlp" not in exporters:
        return False
    for name in (f"{of_signal}PROTOCOL", f"{of_all}PROTOCOL"):
        if name in given:
            if given[name] == _PROTOCOL:
                break
            problems.append(
                f"{name}: {given[name]} is not spoken here, so no {signal} are exported; set it to {_PROTOCOL}, and "
                f"{of_all}ENDPOINT to the collector's port for HTTP (4318 as a rule)"
            )
            return False
    return True


def _sampling(given: Mapping[str, str], problems: list[str]) -> Sampling:
    name = given.get("OTEL_TRACES_SAMPLER", _DEFAULT_SAMPLER)
    kind = name.removeprefix("parentbased_")
    if kind not in _SAMPLERS:
        known = ", ".join([*_SAMPLERS, *(f"parentbased_{each}" for each in _SAMPLERS)])
        problems.append(
            f"OTEL_TRACES_SAMPLER: {name} is not known here, so that every record is traced; known are {known}"
        )
        return Sampling()
    share = {"always_on": 1.0, "always_off": 0.0}.get(kind)
    if share is None:
        share = _share(given, problems)
    return Sampling(share, name.startswith("parentbased_"))


def _share(given: Mapping[str, str], problems: list[str]) -> float:
    text = given.get("OTEL_TRACES_SAMPLER_ARG", "1.0")
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        problems.append(f"OTEL_TRACES_SAMPLER_ARG: {text} is no number from 0 to 1, so that every record is traced")
        return 1.0
    return share


def _interval(given: Mapping[str, str], problems: list[str]) -> float:
    text = given.get("OTEL_METRIC_EXPORT_INTERVAL", "")
    if not text:
        return _INTERVAL
    if not text.isdecimal() or not int(text):
        problems.append(f"OTEL_METRIC_EXPORT_INTERVAL: {text} is no number of milliseconds; 60000 is used")
        return _INTERVAL
    return int(text) / 1000


def _secrets(given: Mapping[str, str]) -> Iterator[str]:
    """``name=value,…``, the values quoted as in URLs."""
    for name, text in given.items():
        if name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("HEADERS"):
            for header in text.split(","):
                value = header.partition("=")[2].strip()
                yield from (value, unquote(value), unquote(value).rpartition(" ")[2])


def _listed(text: str) -> Sequence[str]:
    return [part for each in text.split(",") if (part := each.strip().lower())]
