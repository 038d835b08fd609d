"""The process: its threads, its key, its certificates, what was built into it, and what it takes of the machine."""

from __future__ import annotations

from bridge.ops.metrics.declare import (
    DashboardRow,
    Metric,
    MetricKind,
    Over,
    Samples,
    Shown,
    age,
    counter,
    gauge,
    gauges,
    process,
)
from bridge.ops.snapshot import Snapshot


def _built(snapshot: Snapshot) -> Samples:
    build = snapshot.build
    return (((snapshot.version, build.revision, build.configuration, build.librdkafka, build.python), 1),)


METRICS: tuple[Metric, ...] = (
    # --- the process ----------------------------------------------------------------------------------------------
    *age(
        "poll", "Time since the poll thread last ran.", "at which the poll thread last ran", lambda s: s.vitals.poll_age
    ),
    *age(
        "loop", "Time since the event loop last ran.", "at which the event loop last ran", lambda s: s.vitals.loop_age
    ),
    counter("key_reloads_total", "reloads", "Times the key file held a new API key.", lambda s: s.key.reloads),
    gauge(
        "key_file_unreadable",
        "0 or 1",
        "1 while the file of track.api_key_file cannot be read, or holds no key; the key read before stays in use.",
        lambda s: s.key.problem is not None,
        Over.MAX,
    ),
    gauge(
        "key_file_unreadable_timestamp_seconds",
        "seconds",
        "Unix time since when it cannot be read; NaN: it can, or the key is not in a file.",
        lambda s: s.key.problem_since,
        Over.MIN,
    ),
    counter(
        "configuration_reloads_total",
        "reloads",
        "Times that a changed mapping of the configuration's file was taken over without a restart.",
        lambda s: s.configuration.reloads,
        shown=Shown(DashboardRow.PROCESS, "Mappings taken over without a restart"),
    ),
    counter(
        "configuration_reloads_refused_total",
        "reloads",
        "Times that the configuration's file was refused as a whole; what ran before ran on.",
        lambda s: s.configuration.refusals,
        shown=Shown(DashboardRow.PROCESS, "Configuration files refused"),
    ),
    gauge(
        "configuration_file_refused",
        "0 or 1",
        "1 while the configuration's file holds what is not taken over: it is wrong, or another key needs a restart.",
        lambda s: bool(s.configuration.file_problems),
        Over.MAX,
    ),
    gauge(
        "configuration_file_refused_timestamp_seconds",
        "seconds",
        "Unix time since when it is refused; NaN: it is not.",
        lambda s: s.configuration.file_since,
        Over.MIN,
    ),
    gauges(
        "certificate_not_after_timestamp_seconds",
        "seconds",
        "Unix time at which a certificate ends. certificate: which one; source: used (read at the start, or shown by"
        " the server) or file (what the file holds now, and a restart would take). Of several in one file the first"
        " that ends; of more than 20 authorities the last.",
        ("certificate", "source"),
        lambda s: (((found.certificate, found.source), found.not_after) for found in s.certificates),
        Over.MIN,
    ),
    counter(
        "log_write_failures_total",
        "lines",
        "Log lines that could not be written (closed pipe, full disk, a reader that stalls) and are gone.",
        lambda s: s.log_write_failures,
    ),
    gauges(
        "build_info",
        "1",
        "Always 1. version and revision (commit) of the program; configuration: a hash of all settings but secrets and"
        " what is meant to differ between replicas; versions of librdkafka and Python.",
        ("version", "revision", "configuration", "librdkafka", "python"),
        _built,
    ),
    process("cpu_seconds_total", MetricKind.COUNTER, "seconds", "User and system CPU time spent."),
    process("resident_memory_bytes", MetricKind.GAUGE, "bytes", "Resident memory."),
    process("virtual_memory_bytes", MetricKind.GAUGE, "bytes", "Virtual memory."),
    process(
        "start_time_seconds", MetricKind.GAUGE, "seconds", "Start time of the process since the Unix epoch.", Over.MAX
    ),
    process("open_fds", MetricKind.GAUGE, "file descriptors", "Open file descriptors."),
    process("max_fds", MetricKind.GAUGE, "file descriptors", "Most file descriptors the process may open."),
)
