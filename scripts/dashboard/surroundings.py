"""The rows about what the bridge lives on: Kafka, the Track API and its budget, the dead-letter topic, the machine."""

from __future__ import annotations

from typing import Final

from scripts.dashboard.layout import Panel, Query, Row
from scripts.dashboard.parts import (
    BYTES,
    COUNT,
    PER_SECOND,
    REQUESTS,
    SECONDS,
    SHARE,
    all_of,
    lines,
    process,
    quantiles,
    rate,
    since,
    states,
)

GROUP: Final = Row(
    "Group",
    (
        lines(
            "Lag of the whole group",
            "Records of each topic that the group has not committed, whoever has the partitions. Every replica shows "
            "the same.",
            COUNT,
            Query(
                f"max by (cluster, namespace, job, topic) ({all_of('group_lag_records')})", "{{namespace}}/{{topic}}"
            ),
        ),
        lines(
            "Partitions nobody moves",
            "Partitions that no member of the group has, and those of other members that wait and of which nothing was "
            "committed lately: their owner may be dead and not missed yet.",
            COUNT,
            Query(
                f"max by (cluster, namespace, job, topic) ({all_of('group_unowned_partitions')})",
                "{{namespace}}/{{topic}} without an owner",
            ),
            Query(
                f"max by (cluster, namespace, job, topic) ({all_of('group_stalled_partitions')})",
                "{{namespace}}/{{topic}} standing still",
            ),
        ),
        states(
            "Topics that yield nothing",
            "Configured topics, or patterns, with the reason why nothing is read of them.",
            Query(
                f"max by (cluster, namespace, job, topic, reason) ({all_of('topic_problem')}) == 1",
                "{{namespace}}/{{topic}}: {{reason}}",
            ),
        ),
        lines(
            "Members and their mappings",
            "Members of the consumer group, and how many mappings other than its own a replica has seen commits of: 0, "
            "except while a new one is rolled out.",
            COUNT,
            Query(f"max by (cluster, namespace, job) ({all_of('group_members')})", "members of {{namespace}}/{{job}}"),
            Query(
                f"max by (cluster, namespace, job) ({all_of('group_other_mappings')})",
                "other mappings in {{namespace}}/{{job}}",
            ),
        ),
        lines(
            "Age of the look at the group",
            "How old the numbers of this row are.",
            SECONDS,
            Query(
                f"max by (cluster, namespace, pod, instance) ({all_of('group_view_age_seconds')})",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
    ),
)
KAFKA: Final = Row(
    "Kafka",
    (
        lines(
            "Commits",
            "Offset commits by result. Some may fail in a rebalance; they are made again.",
            PER_SECOND,
            Query(rate("commits_total", by="result"), "{{result}}"),
        ),
        lines(
            "Rebalances",
            "Rebalances that gave or took partitions, within 5 minutes.",
            COUNT,
            Query(
                f"sum by (cluster, namespace, pod, instance, kind) (increase({all_of('rebalances_total')}[5m]))",
                "{{namespace}}/{{pod}} {{instance}} {{kind}}",
            ),
        ),
        lines(
            "Membership confirmed",
            "Time since Kafka last confirmed that the process is a member of its group, and since it acknowledged an "
            "offset commit. Nothing is sent after a whole session (10 s under the consumer protocol) without.",
            SECONDS,
            Query(
                f"max by (cluster, namespace, pod, instance) ({all_of('membership_age_seconds')})",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
            Query(
                f"max by (cluster, namespace, pod, instance) ({all_of('commit_age_seconds')})",
                "{{namespace}}/{{pod}} {{instance}} commit",
            ),
        ),
        lines(
            "Positions outside the log",
            "Partitions found with a position outside their log, and the records that were lost by it at most, since "
            "the process began.",
            COUNT,
            Query(f"sum({all_of('out_of_range_total')})", "partitions"),
            Query(f"sum({all_of('possibly_lost_records_total')})", "records at most"),
        ),
        lines(
            "Drains cut off",
            "Drains whose time ran out, within an hour: requests on the wire were cut off, and their records may be "
            "sent twice.",
            COUNT,
            Query(
                f"sum by (cluster, namespace, pod, instance) (increase({all_of('forced_drains_total')}[1h]))",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
        lines(
            "Retention of the topics",
            "Age at which Kafka deletes records; absent where the brokers do not tell it.",
            SECONDS,
            Query(
                f"min by (cluster, namespace, topic) ({all_of('topic_retention_seconds')})", "{{namespace}}/{{topic}}"
            ),
        ),
    ),
)

API: Final = Row(
    "Userpilot Track API",
    (
        lines(
            "Requests by status",
            "Requests that ended, by status. none: no whole answer came.",
            REQUESTS,
            Query(rate("requests_total", by="status"), "{{status}}"),
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
            Query(rate("retries_total", by="reason"), "{{reason}}"),
        ),
        lines(
            "Possible duplicates",
            "Attempts made again although the first may have been accepted, within an hour.",
            COUNT,
            Query(f"sum(increase({all_of('ambiguous_retries_total')}[1h]))", "ambiguous"),
        ),
        lines(
            "On the wire",
            "Requests on the wire, and open connections.",
            COUNT,
            Query(f"sum({all_of('in_flight_requests')})", "requests"),
            Query(f"sum({all_of('open_connections')})", "connections"),
        ),
        states(
            "Key file unreadable",
            "While a replica cannot read its API key file. It goes on with the key it read before.",
            Query(
                f"max by (cluster, namespace, pod, instance) ({all_of('key_file_unreadable')})",
                "{{cluster}} {{namespace}}/{{pod}} {{instance}}",
            ),
        ),
        since(
            "Key file unreadable since",
            "Since when a replica cannot read its API key file.",
            Query(
                f"min by (cluster, namespace, pod, instance) ({all_of('key_file_unreadable_timestamp_seconds')})",
                "{{cluster}} {{namespace}}/{{pod}} {{instance}}",
            ),
        ),
        lines(
            "Certificates end in",
            "Time until a certificate ends: what is in use (read at the start, or shown by the Track API), and what "
            "the file holds now. Where the file's lasts longer, it was renewed: restart the replicas.",
            SECONDS,
            Query(
                "min by (cluster, namespace, pod, instance, certificate, source) "
                f"({all_of('certificate_not_after_timestamp_seconds')}) - time()",
                "{{cluster}} {{namespace}}/{{pod}} {{instance}} {{certificate}} {{source}}",
            ),
        ),
        lines(
            "Keys read again",
            "Times the key file held another key, since the process began.",
            COUNT,
            Query(
                f"sum by (cluster, namespace, pod, instance) ({all_of('key_reloads_total')})",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
    ),
)

BUDGET: Final = Row(
    "Rate budget",
    (
        lines(
            "Budget and use",
            "The token's budget, the part the replicas may use now, and what they use. +Inf: unlimited.",
            REQUESTS,
            Query(f"max by (cluster, namespace, job) ({all_of('rate_limit')})", "budget of {{namespace}}/{{job}}"),
            Query(f"sum({all_of('rate_share')})", "shares together"),
            Query(rate("requests_total"), "used"),
        ),
        lines(
            "Share of each replica",
            "Shares follow the demand: a replica with nothing to send lends its own.",
            REQUESTS,
            Query(
                f"sum by (cluster, namespace, pod, instance) ({all_of('rate_share')})",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
            stacked=True,
        ),
        lines(
            "Waiting for the budget",
            "Part of the time in which something was ready and only the rate kept it. Near 100 % for hours: the "
            "budget is too small, and "
            "more replicas do not help.",
            SHARE,
            Query(
                rate("rate_limited_seconds_total", by="cluster, namespace, pod, instance"),
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
        lines(
            "Age of the view of the group",
            "The share is computed from it; a replica whose view is old sends a trickle.",
            SECONDS,
            Query(
                f"max by (cluster, namespace, pod, instance) ({all_of('rate_view_age_seconds')})",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
    ),
)

_OPEN: Final = f"max by (cluster, namespace, job, reason) ({all_of('open_dead_letters')})"
_IS_LEAST: Final = f"(min by (cluster, namespace, job, reason) ({all_of('open_dead_letters_exact')}) == 0)"

LETTERS: Final = Row(
    "Dead letters",
    (
        lines(
            "Written, by reason",
            "Dead letters acknowledged by the dead-letter topic, within 5 minutes.",
            COUNT,
            Query(f"sum by (reason) (increase({all_of('dead_letters_total')}[5m]))", "{{reason}}"),
            stacked=True,
        ),
        lines(
            "Open, by reason",
            "Dead letters that are neither replayed nor discarded. Every replica counts all of them.",
            COUNT,
            Query(f"{_OPEN} unless {_IS_LEAST}", "{{reason}}"),
            Query(f"{_OPEN} and {_IS_LEAST}", "{{reason}}, at least"),
            stacked=True,
        ),
        lines(
            "Age of the oldest open one",
            "Settle it before the retention of the dead-letter topic, the other line, deletes it.",
            SECONDS,
            Query(
                f"max by (cluster, namespace, job) ({all_of('open_dead_letter_oldest_age_seconds')})",
                "{{cluster}} {{namespace}}/{{job}}",
            ),
            Query(
                f"min by (cluster, namespace, job) ({all_of('dead_letter_topic_retention_seconds')})",
                "retention {{cluster}} {{namespace}}/{{job}}",
            ),
        ),
        since(
            "The oldest open one was written",
            "When the oldest open dead letter was written.",
            Query(
                f"min by (cluster, namespace, job) ({all_of('open_dead_letter_oldest_timestamp_seconds')})",
                "{{cluster}} {{namespace}}/{{job}}",
            ),
        ),
        lines(
            "Writes that failed",
            "Writes to the dead-letter topic that failed and are tried again. Intake waits for them.",
            PER_SECOND,
            Query(rate("dead_letter_write_failures_total"), "failed"),
        ),
    ),
)

PROCESS: Final = Row(
    "Resources",
    (
        lines(
            "CPU",
            "Seconds of CPU a second, of each replica. 1 is a whole core.",
            COUNT,
            Query(
                f"sum by (cluster, namespace, pod, instance) (rate({process('cpu_seconds_total')}[$__rate_interval]))",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
        lines(
            "Memory",
            "Resident memory, and the bytes of records held in it.",
            BYTES,
            Query(process("resident_memory_bytes"), "resident {{namespace}}/{{pod}} {{instance}}"),
            Query(all_of("buffered_bytes"), "records {{namespace}}/{{pod}} {{instance}}"),
        ),
        lines(
            "Address space",
            "Virtual memory. Only its growth says something.",
            BYTES,
            Query(process("virtual_memory_bytes"), "{{namespace}}/{{pod}} {{instance}}"),
        ),
        lines(
            "Buffered records",
            "Records held in memory.",
            COUNT,
            Query(all_of("buffered_records"), "{{namespace}}/{{pod}} {{instance}}"),
            stacked=True,
        ),
        states(
            "Intake paused",
            "While consumption is paused because the buffers stayed full.",
            Query(
                f"max by (cluster, namespace, pod, instance) ({all_of('paused')})", "{{namespace}}/{{pod}} {{instance}}"
            ),
        ),
        lines(
            "Heartbeats",
            "Time since the poll thread and the event loop last ran. Liveness fails at 60 s and 30 s.",
            SECONDS,
            Query(all_of("poll_age_seconds"), "poll {{namespace}}/{{pod}} {{instance}}"),
            Query(all_of("loop_age_seconds"), "loop {{namespace}}/{{pod}} {{instance}}"),
        ),
        since(
            "Last signs of life",
            "When each replica last ran its threads, heard of the group, and saw it.",
            *(
                Query(
                    f"max by (cluster, namespace, pod, instance) ({all_of(f'{name}_timestamp_seconds')})",
                    f"{what} {{{{cluster}}}} {{{{namespace}}}}/{{{{pod}}}} {{{{instance}}}}",
                )
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
            Query(process("open_fds"), "open {{namespace}}/{{pod}} {{instance}}"),
            Query(process("max_fds"), "most {{namespace}}/{{pod}} {{instance}}"),
        ),
        lines(
            "Running since",
            "Time since the process began. A step down is a restart.",
            SECONDS,
            Query(f"time() - {process('start_time_seconds')}", "{{namespace}}/{{pod}} {{instance}}"),
        ),
        lines(
            "Log lines lost",
            "Lines that could not be written, within 5 minutes.",
            COUNT,
            Query(
                f"sum by (cluster, namespace, pod, instance) (increase({all_of('log_write_failures_total')}[5m]))",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
        Panel(
            "Versions",
            "What each replica runs: version and commit, a hash of its configuration, versions of librdkafka and "
            "Python. Two hashes in one group: a rollout, or a replica that was forgotten.",
            "none",
            (
                Query(
                    "max by (cluster, namespace, job, pod, instance, version, revision, configuration, librdkafka,"
                    f" python) ({all_of('build_info')})"
                ),
            ),
            kind="table",
        ),
    ),
)
