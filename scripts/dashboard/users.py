"""The row about requests of several kinds, and about what is known of users before their events."""

from __future__ import annotations

from typing import Final

from bridge.ops.metrics.catalogue import DashboardRow
from scripts.dashboard.layout import Query, Row
from scripts.dashboard.parts import (
    COUNT,
    PER_SECOND,
    REPLICA,
    SHARE,
    all_of,
    by,
    increase,
    legend,
    lines,
    of_release,
    of_replica,
    rate,
    rates,
    states,
)

_KNOWN: Final = rate("user_lookups_total", 'result="known"')

USERS: Final = Row(
    DashboardRow.USERS,
    (
        lines(
            "Requests by kind",
            "Requests started and accepted a second, and those that are tried again.",
            PER_SECOND,
            rates("requests_started_total", "started", "kind"),
            rates("requests_accepted_total", "accepted", "kind"),
            rates("requests_retried_total", "tried again", "kind"),
        ),
        states(
            "What keeps one kind of request",
            "An outage, a pause the API asked for, or the rate, by kind. What keeps identify keeps no event of a user "
            "who is known.",
            Query(f"{by('max', all_of('kind_blocked'), 'kind', 'reason')} == 1", legend("", "kind", "reason")),
        ),
        lines(
            "Waiting for an identify",
            "Events that wait for an identify of their user, the users they are of, and events that wait until one "
            "has settled.",
            COUNT,
            of_release("sum", "events_awaiting_identify", "events"),
            of_release("sum", "users_awaiting_identify", "users"),
            of_release("sum", "events_awaiting_settle", "settling"),
        ),
        lines(
            "Users who were known",
            "Part of the events whose user was known, so that no identify went before them. Low after a restart, "
            "which forgets.",
            SHARE,
            Query(f"{_KNOWN} / {rate('user_lookups_total')}", legend("known")),
        ),
        lines(
            "Users remembered",
            "At most track.known_users.size in each replica.",
            COUNT,
            of_replica("sum", "remembered_users", ""),
        ),
        lines(
            "Identifies of the bridge itself",
            "Those before a user's first event, by how they ended.",
            PER_SECOND,
            rates("automatic_identifies_total", "", "result"),
        ),
        lines(
            "On the wire, by kind",
            "Requests without an answer yet.",
            COUNT,
            of_release("sum", "requests_in_flight", "", "kind"),
        ),
        lines(
            "Waiting for the budget, by kind",
            "Part of the time in which a request of this kind was ready and only the rate kept it.",
            SHARE,
            Query(
                rate("kind_rate_limited_seconds_total", per=("kind",), within=REPLICA),
                legend("", "kind", within=REPLICA),
            ),
        ),
        lines(
            "Share of the budget, by kind",
            "What the replicas may use together now; +Inf: unlimited. Identify and company have one budget between "
            "them.",
            PER_SECOND,
            of_release("sum", "kind_rate_share", "", "kind"),
        ),
        lines(
            "Dead letters by kind",
            "Dead letters acknowledged by the dead-letter topic, within 5 minutes, by the kind of request that failed.",
            COUNT,
            increase("kind_dead_letters_total", "5m", "", "kind"),
            stacked=True,
        ),
    ),
)
