"""The rows about what the bridge lives on: Kafka, the Track API and its budget, the dead-letter topic, the machine."""

from __future__ import annotations

from typing import Final

from bridge.ops.metrics.catalogue import DashboardRow
from scripts.dashboard.layout import Panel, Query, Row
from scripts.dashboard.parts import (
    BYTES,
    COUNT,
    PER_SECOND,
    REPLICA,
    REQUESTS,
    SECONDS,
    SHARE,
    all_of,
    by,
    increase,
    legend,
    lines,
    of_process,
    of_release,
    of_replica,
    process,
    quantiles,
    rate,
    rates,
    since,
    states,
)

ENDING: Final = ("certificate", "source")
BUILT: Final = ("version", "revision", "configuration", "librdkafka", "python")

GROUP: Final = Row(
    DashboardRow.GROUP,
    (
        lines(
            "Lag of the whole group",
            "Records of each topic that the group has not committed, whoever has the partitions. Every replica shows "
            "the same.",
            COUNT,
            of_release("max", "group_lag_records", "", "topic"),
        ),
        lines(
            "Partitions nobody moves",
            "Partitions that no member of the group has, and those of other members that wait and of which nothing was "
            "committed lately: their owner may be dead and not missed yet.",
            COUNT,
            of_release("max", "group_unowned_partitions", "without an owner", "topic"),
            of_release("max", "group_stalled_partitions", "not moving", "topic"),
        ),
        states(
            "Topics that yield nothing",
            "Configured topics, or patterns, with the reason why nothing is read of them.",
            Query(
                f"{by('max', all_of('topic_problem'), 'topic', 'reason')} == 1",
                legend("", "topic", "reason"),
            ),
        ),
        lines(
            "Members and their mappings",
            "Members of the consumer group, and how many mappings other than its own a replica has seen commits of: 0, "
            "except while a new one is rolled out.",
            COUNT,
            of_release("max", "group_members", "members"),
            of_release("max", "group_other_mappings", "other mappings"),
        ),
    ),
)
KAFKA: Final = Row(
    DashboardRow.KAFKA,
    (
        lines(
            "Commits",
            "Offset commits by result. Some may fail in a rebalance; they are made again.",
            PER_SECOND,
            rates("commits_total", "", "result"),
        ),
        lines(
            "Rebalances",
            "Rebalances that gave or took partitions, within 5 minutes.",
            COUNT,
            increase("rebalances_total", "5m", "", "kind", within=REPLICA),
        ),
        lines(
            "Membership confirmed",
            "Time since Kafka last confirmed that the process is a member of its group, and since it acknowledged an "
            "offset commit. Nothing is sent after a whole session (10 s under the consumer protocol) without.",
            SECONDS,
            of_replica("max", "membership_age_seconds", "membership"),
            of_replica("max", "commit_age_seconds", "commit"),
        ),
        lines(
            "Positions outside the log",
            "Partitions found with a position outside their log, and the records that were lost by it at most, since "
            "the process began; and what is recorded for the group, restarts included.",
            COUNT,
            of_release("sum", "out_of_range_total", "partitions"),
            of_release("sum", "possibly_lost_records_total", "records at most"),
            of_release("max", "recorded_lost_records", "recorded, at most"),
        ),
        lines(
            "Losses that are recorded",
            "Losses of the whole group, those of an unknown number of records included. They outlive the processes "
            "that found them.",
            COUNT,
            of_release("max", "recorded_losses", "losses"),
        ),
        since(
            "The first loss that is recorded",
            "When the first of these was found.",
            of_release("min", "recorded_losses_timestamp_seconds", ""),
        ),
        lines(
            "Drains cut off",
            "Drains whose time ran out, within an hour: requests on the wire were cut off, and their records may be "
            "sent twice.",
            COUNT,
            increase("forced_drains_total", "1h", "", within=REPLICA),
        ),
        lines(
            "Schema look-ups",
            "Attempts to look a schema up, by result. Found, unknown and unusable are answers of the registry; all "
            "others are troubles, in which partitions wait. None is made for a schema that is known.",
            PER_SECOND,
            rates("schema_lookups_total", "", "result"),
            rates("schema_registry_requests_total", "requests"),
        ),
        lines(
            "Schemas",
            "Schemas in memory, those read from the cache since the process began, those that partitions wait for at "
            "this moment; and whether the last look-up met a trouble.",
            COUNT,
            of_release("max", "known_schemas", "known"),
            of_release("max", "schemas_from_cache_total", "from the cache"),
            of_release("max", "awaited_schemas", "waited for"),
            of_release("max", "schema_registry_trouble", "trouble"),
        ),
        lines(
            "Retention of the topics",
            "Age at which Kafka deletes records; absent where the brokers do not tell it.",
            SECONDS,
            of_release("min", "topic_retention_seconds", "", "topic"),
        ),
    ),
)

API: Final = Row(
    DashboardRow.API,
    (
        lines(
            "Requests by status",
            "Requests that ended, by status. none: no whole answer came.",
            REQUESTS,
            rates("requests_total", "", "status"),
            stacked=True,
        ),
        lines(
            "Time of a request",
            "From the start of a request to the end of its answer.",
            SECONDS,
            *quantiles("request_duration_seconds"),
        ),
        lines(
            "Retries by reason",
            "Attempts that are made again, by what went wrong.",
            PER_SECOND,
            rates("retries_total", "", "reason"),
        ),
        lines(
            "Possible duplicates",
            "Attempts made again although the first may have been accepted, within an hour.",
            COUNT,
            increase("ambiguous_retries_total", "1h", "ambiguous"),
        ),
        lines(
            "On the wire",
            "Requests on the wire, and open connections.",
            COUNT,
            of_release("sum", "in_flight_requests", "requests"),
            of_release("sum", "open_connections", "connections"),
        ),
        states(
            "Key file unreadable",
            "While a replica cannot read its API key file. It keeps using the key it read before.",
            of_replica("max", "key_file_unreadable", ""),
        ),
        since(
            "Key file unreadable since",
            "Since when a replica cannot read its API key file.",
            of_replica("min", "key_file_unreadable_timestamp_seconds", ""),
        ),
        states(
            "Configuration file refused",
            "While the configuration's file holds what a replica does not take over: it is wrong, or another key needs "
            "a restart. What ran before runs on.",
            of_replica("max", "configuration_file_refused", ""),
        ),
        since(
            "Configuration file refused since",
            "Since when a replica refuses its configuration file.",
            of_replica("min", "configuration_file_refused_timestamp_seconds", ""),
        ),
        lines(
            "Certificates end in",
            "Time until a certificate ends: what is in use (read at the start, or shown by the Track API), and what "
            "the file holds now. Where the file's lasts longer, it was renewed: restart the replicas.",
            SECONDS,
            Query(
                f"{by('min', all_of('certificate_not_after_timestamp_seconds'), *ENDING, within=REPLICA)} - time()",
                legend("", *ENDING, within=REPLICA),
            ),
        ),
        lines(
            "Keys read again",
            "Times the key file held another key, since the process began.",
            COUNT,
            of_replica("sum", "key_reloads_total", ""),
        ),
    ),
)

BUDGET: Final = Row(
    DashboardRow.BUDGET,
    (
        lines(
            "Budget and use",
            "The token's budget, the part the replicas may use now, and what they use. +Inf: unlimited.",
            REQUESTS,
            of_release("max", "rate_limit", "budget"),
            of_release("sum", "rate_share", "shares together"),
            rates("requests_started_total", "used", "kind"),
        ),
        lines(
            "Share of each replica",
            "Shares follow the demand: a replica with nothing to send lends its own.",
            REQUESTS,
            of_replica("sum", "rate_share", ""),
            stacked=True,
        ),
        lines(
            "Waiting for the budget",
            "Part of the time in which something was ready and only the rate kept it. Near 100 % for hours: the "
            "budget is too small, and "
            "more replicas do not help.",
            SHARE,
            Query(rate("rate_limited_seconds_total", within=REPLICA), legend("", within=REPLICA)),
        ),
    ),
)

_OPEN: Final = by("max", all_of("open_dead_letters"), "reason")
_IS_LEAST: Final = f"({by('min', all_of('open_dead_letters_exact'), 'reason')} == 0)"

LETTERS: Final = Row(
    DashboardRow.LETTERS,
    (
        lines(
            "Written, by reason",
            "Dead letters acknowledged by the dead-letter topic, within 5 minutes.",
            COUNT,
            increase("dead_letters_total", "5m", "", "reason"),
            stacked=True,
        ),
        lines(
            "Open, by reason",
            "Dead letters that are neither replayed nor discarded. Every replica counts all of them.",
            COUNT,
            Query(f"{_OPEN} unless {_IS_LEAST}", legend("", "reason")),
            Query(f"{_OPEN} and {_IS_LEAST}", legend("at least", "reason")),
            stacked=True,
        ),
        lines(
            "Age of the oldest open one",
            "Settle it before the retention of the dead-letter topic, the other line, deletes it.",
            SECONDS,
            of_release("max", "open_dead_letter_oldest_age_seconds", ""),
            of_release("min", "dead_letter_topic_retention_seconds", "retention"),
        ),
        since(
            "The oldest open one was written",
            "When the oldest open dead letter was written.",
            of_release("min", "open_dead_letter_oldest_timestamp_seconds", ""),
        ),
    ),
)

PROCESS: Final = Row(
    DashboardRow.PROCESS,
    (
        lines(
            "CPU",
            "Seconds of CPU a second, of each replica. 1 is a whole core.",
            COUNT,
            Query(
                by("sum", f"rate({process('cpu_seconds_total')}[$__rate_interval])", within=REPLICA),
                legend("", within=REPLICA),
            ),
        ),
        lines(
            "Memory",
            "Resident memory, and the bytes of records held in it.",
            BYTES,
            of_process("resident_memory_bytes", "resident"),
            of_replica("sum", "buffered_bytes", "records"),
        ),
        lines(
            "Address space",
            "Virtual memory. Only its growth says something.",
            BYTES,
            of_process("virtual_memory_bytes", ""),
        ),
        lines(
            "Buffered records",
            "Records held in memory.",
            COUNT,
            of_replica("sum", "buffered_records", ""),
            stacked=True,
        ),
        states(
            "Intake paused",
            "While consumption is paused because the buffers stayed full.",
            of_replica("max", "paused", ""),
        ),
        lines(
            "Heartbeats",
            "Time since the poll thread and the event loop last ran. Liveness fails at 60 s and 30 s.",
            SECONDS,
            of_replica("max", "poll_age_seconds", "poll"),
            of_replica("max", "loop_age_seconds", "loop"),
        ),
        since(
            "Last signs of life",
            "When each replica last ran its threads, heard of the group, and saw it.",
            *(
                of_replica("max", f"{name}_timestamp_seconds", what)
                for name, what in (
                    ("poll", "poll thread"),
                    ("loop", "loop"),
                    ("commit", "commit"),
                    ("membership", "membership"),
                    ("group_view", "look at the group"),
                    ("rate_view", "view for the budget"),
                )
            ),
        ),
        lines(
            "File descriptors",
            "Open, and the most that may be.",
            COUNT,
            of_process("open_fds", "open"),
            of_process("max_fds", "most"),
        ),
        lines(
            "Running since",
            "Time since the process began. A step down is a restart.",
            SECONDS,
            Query(f"time() - {by('max', process('start_time_seconds'), within=REPLICA)}", legend("", within=REPLICA)),
        ),
        lines(
            "Log lines lost",
            "Lines that could not be written, within 5 minutes.",
            COUNT,
            increase("log_write_failures_total", "5m", "", within=REPLICA),
        ),
        Panel(
            "Versions",
            "What each replica runs: version and commit, a hash of its configuration, versions of librdkafka and "
            "Python. Two hashes in one group: a rollout, or a replica that was forgotten.",
            "none",
            (Query(by("max", all_of("build_info"), *BUILT, within=REPLICA)),),
            kind="table",
        ),
    ),
)
