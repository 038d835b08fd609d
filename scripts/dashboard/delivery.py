"""The rows an operator reads first: is it delivering, how late, why not, what is lost; then the details of that."""

from __future__ import annotations

from typing import Final

from scripts.dashboard.layout import Panel, Query, Row
from scripts.dashboard.parts import (
    BIG,
    COUNT,
    NAMES,
    PER_SECOND,
    RED_ABOVE_0,
    SECONDS,
    SHARE,
    all_of,
    gained,
    lines,
    quantiles,
    rate,
    since,
    states,
)

ANSWERS: Final = Row(
    "Is it delivering? How late? Why not? What is lost?",
    (
        Panel(
            "Is it delivering?",
            "Records delivered a second, by all replicas together.",
            PER_SECOND,
            (Query(rate("records_delivered_total"), "delivered"),),
            kind="stat",
            width=4,
            height=5,
            options={**BIG, "colorMode": "value"},
        ),
        Panel(
            "How late?",
            "Age of the oldest record that is not complete, over all partitions. Yellow after 5 minutes, red after "
            "an hour.",
            SECONDS,
            (Query(f"max({all_of('partition_oldest_open_age_seconds')})", "oldest open record"),),
            kind="stat",
            width=4,
            height=5,
            colours=((None, "green"), (300, "yellow"), (3600, "red")),
            options=BIG,
        ),
        Panel(
            "How much waits?",
            "Records between the positions and the ends of the logs.",
            COUNT,
            (Query(f"sum({all_of('partition_lag_records')})", "lag"),),
            kind="stat",
            width=4,
            height=5,
            options={**BIG, "colorMode": "value"},
        ),
        Panel(
            "Why not?",
            "What keeps records from going at this moment: of everything, or of some partitions. `bridge status` "
            "says what to do.",
            "bool_yes_no",
            (
                Query(f"max by (reason) ({all_of('blocked')}) == 1", "everything: {{reason}}"),
                Query(
                    f"max by (cluster, namespace, topic, reason) ({all_of('partition_held')}) == 1",
                    "{{namespace}}/{{topic}}: {{reason}}",
                ),
            ),
            kind="stat",
            width=6,
            height=5,
            colours=((None, "green"), (1, "red")),
            options=NAMES,
            nothing="nothing holds it",
        ),
        Panel(
            "What is lost?",
            "Records that left Kafka before they were sent (at most), and records the accounting cannot explain: "
            "both must be 0. Open "
            "dead letters are kept and can be replayed.",
            COUNT,
            (
                Query(gained("possibly_lost_records_total"), "possibly lost"),
                Query(f"sum(abs({all_of('accounting_gap')}))", "unexplained"),
                Query(
                    f"sum(max by (cluster, namespace, job, reason) ({all_of('open_dead_letters')}))",
                    "open dead letters",
                ),
            ),
            kind="stat",
            width=6,
            height=5,
            colours=RED_ABOVE_0,
            options=BIG,
        ),
    ),
    closed=False,
)

OVERVIEW: Final = Row(
    "Overview",
    (
        lines(
            "What becomes of the records",
            "Records completed a second. Released ones were given back with their partition and are taken again.",
            PER_SECOND,
            Query(rate("records_delivered_total"), "delivered"),
            Query(rate("records_filtered_total"), "filtered"),
            Query(rate("records_dead_lettered_total"), "dead-lettered"),
            Query(rate("records_already_done_total"), "done before"),
            Query(rate("records_released_total"), "released"),
            stacked=True,
        ),
        lines(
            "Read from Kafka",
            "Records taken from Kafka a second.",
            PER_SECOND,
            Query(
                rate("records_consumed_total", by="cluster, namespace, pod, instance"),
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
        lines(
            "From Kafka to accepted",
            "Time from a record's timestamp to the acceptance of its event. In a backlog this is the age of the "
            "backlog.",
            SECONDS,
            *quantiles("delivery_latency_seconds"),
        ),
        lines(
            "Lag, and what a replica more could help with",
            "Where the second line is 0, more replicas do not help: the budget, the key, an outage, a hold or a "
            "retry is what keeps "
            "the records.",
            COUNT,
            Query(f"sum({all_of('partition_lag_records')})", "lag"),
            Query(f"sum({all_of('scaling_backlog')})", "a replica more could help"),
        ),
        lines(
            "In the bridge",
            "Records consumed and not complete yet, of them those waiting for their next attempt.",
            COUNT,
            Query(f"sum({all_of('records_in_flight')})", "not complete"),
            Query(f"sum({all_of('parked_records')})", "waiting for a retry"),
        ),
        lines(
            "Behind users whose events fail",
            "Users whose next event failed, records that failed or wait behind them, partitions that pause for that.",
            COUNT,
            Query(f"sum({all_of('failing_users')})", "users"),
            Query(f"sum({all_of('failing_records')})", "records"),
            Query(f"sum({all_of('failing_paused_partitions')})", "partitions that pause"),
        ),
        lines(
            "Records nobody can explain",
            "Consumed less all that became of them. Anything but 0 is a defect of the bridge.",
            COUNT,
            Query(
                f"sum by (cluster, namespace, pod, instance) ({all_of('accounting_gap')})",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
        ),
    ),
    closed=False,
)

PARTITIONS: Final = Row(
    "Why each partition is where it is",
    (
        states(
            "What blocks everything",
            "The reasons that keep a whole process from sending. Only unauthorized and dead_letters_unwritable need "
            "somebody to act.",
            Query(
                f"max by (cluster, namespace, pod, instance, reason) ({all_of('blocked')})",
                "{{namespace}}/{{pod}} {{instance}}: {{reason}}",
            ),
        ),
        states(
            "What holds partitions",
            "The reasons that hold single partitions until somebody acts.",
            Query(
                f"max by (cluster, namespace, topic, partition, reason) ({all_of('partition_held')}) == 1",
                "{{namespace}}/{{topic}}[{{partition}}]: {{reason}}",
            ),
        ),
        lines(
            "Held for",
            "For how long a reason has held a partition; for a transaction that hangs: since when nothing can be read.",
            SECONDS,
            Query(
                f"max by (cluster, namespace, topic, partition, reason) ({all_of('partition_held_seconds')})",
                "{{namespace}}/{{topic}}[{{partition}}]: {{reason}}",
            ),
        ),
        since(
            "Waiting since",
            "When the oldest record that is not complete was produced, and since when a reason has held a partition.",
            Query(
                f"min by (cluster, namespace, job, topic) ({all_of('partition_oldest_open_timestamp_seconds')})",
                "{{cluster}} {{namespace}}/{{job}} {{topic}}",
            ),
            Query(
                f"min by (cluster, namespace, job, topic, reason) ({all_of('partition_held_timestamp_seconds')})",
                "{{cluster}} {{namespace}}/{{job}} {{topic}}: {{reason}}",
            ),
        ),
        lines(
            "Age of the oldest open record",
            "Time since the oldest record that is not complete was produced; 0 where nothing is open.",
            SECONDS,
            Query(
                f"max by (cluster, namespace, topic, partition) ({all_of('partition_oldest_open_age_seconds')})",
                "{{namespace}}/{{topic}}[{{partition}}]",
            ),
        ),
        lines(
            "Lag",
            "Records between the position and the last stable offset: what no open transaction withholds.",
            COUNT,
            Query(
                f"max by (cluster, namespace, topic, partition) ({all_of('partition_lag_records')})",
                "{{namespace}}/{{topic}}[{{partition}}]",
            ),
        ),
        lines(
            "Records done a second",
            "How fast the lowest open offset of each partition moves. 0 beside a lag is a partition that is stuck.",
            PER_SECOND,
            Query(
                "max by (cluster, namespace, topic, partition) "
                f"(deriv({all_of('partition_position_offset')}[$__rate_interval]))",
                "{{namespace}}/{{topic}}[{{partition}}]",
            ),
        ),
        lines(
            "Retention used up",
            "Age of the oldest open record as a part of what the topic keeps. At 100 % Kafka deletes it. Absent "
            "where the brokers do not "
            "tell the retention.",
            SHARE,
            Query(
                f"max by (cluster, namespace, topic) ({all_of('partition_oldest_open_age_seconds')}) "
                "/ on (cluster, namespace, topic) "
                f"min by (cluster, namespace, topic) ({all_of('topic_retention_seconds')})",
                "{{namespace}}/{{topic}}",
            ),
        ),
        lines(
            "Partitions of each replica",
            "How many partitions each replica has.",
            COUNT,
            Query(
                f"sum by (cluster, namespace, pod, instance) ({all_of('partition_assigned')})",
                "{{namespace}}/{{pod}} {{instance}}",
            ),
            stacked=True,
        ),
    ),
)

MAPPED_KEYS: Final = rate("metadata_keys_total", by="route, metadata_key")
ABSENT_KEYS: Final = rate("metadata_keys_total", 'result="absent"', by="route, metadata_key")
MAPPING: Final = Row(
    "Mapping",
    (
        lines(
            "Events by route",
            "What became of the events of each route. One record may make several.",
            PER_SECOND,
            Query(rate("events_total", by="route, outcome"), "{{route}} {{outcome}}"),
        ),
        lines(
            "Left out, by rule",
            "Records that cause no request, by the rule of the mapping that left them out.",
            PER_SECOND,
            Query(rate("records_filtered_total", by="reason"), "{{reason}}"),
            stacked=True,
        ),
        lines(
            "Without a route",
            "Part of the records whose type no route names.",
            SHARE,
            Query(f"{rate('unmapped_records_total')} / {rate('records_consumed_total')}", "unmapped"),
        ),
        lines(
            "Metadata keys that found nothing",
            "Part of the events of a route whose record had nothing for a metadata key. A step up to 100 %: its field"
            " was renamed. Only keys above half are shown.",
            SHARE,
            Query(f"{ABSENT_KEYS} / {MAPPED_KEYS} > 0.5", "{{route}} {{metadata_key}}"),
        ),
        lines(
            "Metadata values left out",
            "Values without a flat form (lists of objects), left out of requests.",
            PER_SECOND,
            Query(rate("metadata_values_left_out_total"), "left out"),
        ),
    ),
)
