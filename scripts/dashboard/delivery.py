"""The rows an operator reads first: is it delivering, how late, why not, what is lost; then the details of that."""

from __future__ import annotations

from typing import Final

from bridge.ops.metrics.catalogue import DashboardRow
from scripts.dashboard.layout import Panel, Query, Row
from scripts.dashboard.parts import (
    BIG,
    COUNT,
    NAMES,
    PER_SECOND,
    RED_ABOVE_0,
    REPLICA,
    SECONDS,
    SHARE,
    all_of,
    by,
    gained,
    legend,
    lines,
    of_release,
    of_replica,
    quantiles,
    rate,
    rates,
    since,
    states,
)

PLACE: Final = ("topic", "partition")
KEPT_KINDS: Final = 'kind=~"identify|company",reason=~"outage|retry_after"'
"""What keeps events is told as that."""

ANSWERS: Final = Row(
    "Is it delivering? How late? Why not? What is lost?",
    (
        Panel(
            "Is it delivering?",
            "Records delivered a second, by all replicas of a release together.",
            PER_SECOND,
            (rates("records_delivered_total", "delivered"),),
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
            (of_release("max", "partition_oldest_open_age_seconds", "oldest open record"),),
            kind="stat",
            width=4,
            height=5,
            colours=((None, "green"), (300, "yellow"), (3600, "red")),
            options=BIG,
        ),
        Panel(
            "How much waits?",
            "Records between the committed offsets and the ends of the logs.",
            COUNT,
            (of_release("sum", "partition_lag_records", "lag"),),
            kind="stat",
            width=4,
            height=5,
            options={**BIG, "colorMode": "value"},
        ),
        Panel(
            "Why not?",
            "What keeps records from going at this moment: of everything, or of some partitions. `track-bridge status` "
            "says what to do.",
            "bool_yes_no",
            (
                Query(f"{by('max', all_of('blocked'), 'reason')} == 1", legend("", "reason")),
                Query(
                    f"{by('max', all_of('partition_held'), 'topic', 'reason')} == 1",
                    legend("", "topic", "reason"),
                ),
                Query(
                    f"{by('max', all_of('kind_blocked', KEPT_KINDS), 'kind', 'reason')} == 1",
                    legend("", "kind", "reason"),
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
            "both must be 0. Open dead letters are kept and can be replayed.",
            COUNT,
            (
                Query(gained("possibly_lost_records_total"), legend("possibly lost")),
                Query(by("sum", f"abs({all_of('accounting_gap')})"), legend("unexplained")),
                Query(by("sum", by("max", all_of("open_dead_letters"), "reason")), legend("open dead letters")),
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
    DashboardRow.OVERVIEW,
    (
        lines(
            "What becomes of the records",
            "Records completed a second. Released ones were given back with their partition and are taken again.",
            PER_SECOND,
            rates("records_delivered_total", "delivered"),
            rates("records_filtered_total", "filtered"),
            rates("records_dead_lettered_total", "dead-lettered"),
            rates("records_already_done_total", "done before"),
            rates("records_released_total", "released"),
            stacked=True,
        ),
        lines(
            "Read from Kafka",
            "Records taken from Kafka a second.",
            PER_SECOND,
            Query(rate("records_consumed_total", within=REPLICA), legend("", within=REPLICA)),
        ),
        lines(
            "From Kafka to accepted",
            "Time from a record's timestamp to the acceptance of its event. In a backlog this is the age of the "
            "backlog.",
            SECONDS,
            *quantiles("delivery_latency_seconds"),
        ),
        lines(
            "Delivered in time",
            "Part of the accepted events that were accepted within a minute, 5 minutes and an hour of their timestamp. "
            "The delivery objective (prometheusRule.thresholds.objectiveSeconds, objectiveTarget) counts dead letters "
            "and records that wait, too.",
            SHARE,
            *(
                Query(
                    f"{rate('delivery_latency_seconds_bucket', bound)} / {rate('delivery_latency_seconds_count')}",
                    legend(within),
                )
                for bound, within in (
                    ('le=~"60|60.0"', "1 min"),
                    ('le=~"300|300.0"', "5 min"),
                    ('le=~"3600|3600.0"', "1 h"),
                )
            ),
        ),
        lines(
            "Lag, and what a replica more could help with",
            "Where the second line is 0, more replicas do not help: the budget, the key, an outage, a hold or a "
            "retry is what keeps "
            "the records.",
            COUNT,
            of_release("sum", "partition_lag_records", "lag"),
            of_release("sum", "scaling_backlog", "a replica more could help"),
        ),
        lines(
            "In the bridge",
            "Records consumed and not complete yet, of them those waiting for their next attempt.",
            COUNT,
            of_release("sum", "records_in_flight", "not complete"),
            of_release("sum", "parked_records", "waiting for a retry"),
        ),
        lines(
            "Behind users whose events fail",
            "Users whose next event failed, records that failed or wait behind them, partitions that pause for that.",
            COUNT,
            of_release("sum", "failing_users", "users"),
            of_release("sum", "failing_records", "records"),
            of_release("sum", "failing_paused_partitions", "partitions that pause"),
        ),
    ),
    closed=False,
)

PARTITIONS: Final = Row(
    DashboardRow.PARTITIONS,
    (
        states(
            "What blocks everything",
            "The reasons that keep a whole process from sending. Only unauthorized and dead_letters_unwritable need "
            "somebody to act.",
            of_replica("max", "blocked", "", "reason"),
        ),
        states(
            "What holds partitions",
            "The reasons that hold single partitions until somebody acts.",
            Query(
                f"{by('max', all_of('partition_held'), *PLACE, 'reason', within=REPLICA)} == 1",
                legend("", *PLACE, "reason", within=REPLICA),
            ),
        ),
        lines(
            "Held for",
            "For how long a reason has held a partition; for a transaction that hangs: since when nothing can be read.",
            SECONDS,
            of_replica("max", "partition_held_seconds", "", *PLACE, "reason"),
        ),
        since(
            "Waiting since",
            "When the oldest record that is not complete was produced, and since when a reason has held a partition.",
            of_release("min", "partition_oldest_open_timestamp_seconds", "", "topic"),
            of_release("min", "partition_held_timestamp_seconds", "", "topic", "reason"),
        ),
        lines(
            "Age of the oldest open record",
            "Time since the oldest record that is not complete was produced; 0 where nothing is open.",
            SECONDS,
            of_replica("max", "partition_oldest_open_age_seconds", "", *PLACE),
        ),
        lines(
            "Lag",
            "Records between the position and the last stable offset: what no open transaction withholds.",
            COUNT,
            of_replica("sum", "partition_lag_records", "", *PLACE),
        ),
        lines(
            "Not done yet",
            "Records that are open or not read yet. Much less than the lag: a few records hold the position back, and "
            "those above them are done.",
            COUNT,
            of_replica("sum", "partition_undone_records", "", *PLACE),
        ),
        lines(
            "Records done a second",
            "How fast the lowest open offset of each partition moves. 0 beside a lag is a partition that is stuck.",
            PER_SECOND,
            Query(
                by("max", f"deriv({all_of('partition_position_offset')}[$__rate_interval])", *PLACE, within=REPLICA),
                legend("", *PLACE, within=REPLICA),
            ),
        ),
        lines(
            "Retention used up",
            "Age of the oldest open record as a part of what the topic keeps. At 100 % Kafka deletes it. Absent "
            "where the brokers do not "
            "tell the retention.",
            SHARE,
            Query(
                f"{by('max', all_of('partition_oldest_open_age_seconds'), 'topic')} "
                "/ on (cluster, namespace, job, topic) "
                f"{by('min', all_of('topic_retention_seconds'), 'topic')}",
                legend("", "topic"),
            ),
        ),
        lines(
            "Partitions of each replica",
            "How many partitions each replica has.",
            COUNT,
            of_replica("sum", "partition_assigned", ""),
            stacked=True,
        ),
    ),
)

MAPPED_KEYS: Final = rate("metadata_keys_total", per=("route", "metadata_key"))
ABSENT_KEYS: Final = rate("metadata_keys_total", 'result="absent"', per=("route", "metadata_key"))
MAPPING: Final = Row(
    DashboardRow.MAPPING,
    (
        lines(
            "Events by route",
            "What became of the events of each route. One record may make several.",
            PER_SECOND,
            rates("events_total", "", "route", "outcome"),
        ),
        lines(
            "Left out, by rule",
            "Records that cause no request, by the rule of the mapping that left them out.",
            PER_SECOND,
            rates("records_filtered_total", "", "reason"),
            stacked=True,
        ),
        lines(
            "Without a route",
            "Part of the records whose type no route names.",
            SHARE,
            Query(f"{rate('unmapped_records_total')} / {rate('records_consumed_total')}", legend("unmapped")),
        ),
        lines(
            "Metadata keys that found nothing",
            "Part of the events of a route whose record had nothing for a metadata key. A step up to 100 %: its field"
            " was renamed. Only keys above half are shown.",
            SHARE,
            Query(f"{ABSENT_KEYS} / {MAPPED_KEYS} > 0.5", legend("", "route", "metadata_key")),
        ),
    ),
)
